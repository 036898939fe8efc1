/**
 * A dialect for tests: one JSON array per line, with the requests, answers and events of the native dialect. It shows how
 * little code a dialect needs.
 */

import type { Codec, Dialect, Read } from '../../src/dialects/dialect.ts';
import { Translation } from '../../src/dialects/translation.ts';
import type { ServerFrame } from '../../src/protocol/vocabulary.ts';
import type { Arena } from '../../src/transport/arena.ts';
import type { Outbox } from '../../src/transport/outbox.ts';

const NEWLINE = 10;
const EMPTY = Buffer.alloc(0);

const encode = (frame: ServerFrame): Buffer => Buffer.from(`${JSON.stringify(frame)}\n`);
/** All connections want the same bytes. */
const translation = new Translation(encode);

function parse(line: string): readonly unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

class JsonLines implements Codec {
  readonly translation = translation;
  limit: number;
  #rest: Buffer = EMPTY;

  constructor(limit: number) {
    this.limit = limit;
  }

  push(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
  }

  next(): Read {
    const end = this.#rest.indexOf(NEWLINE);
    if ((end === -1 ? this.#rest.length : end) > this.limit)
      return { type: 'fault', fault: 'frame_too_large' };
    if (end === -1) return { type: 'more' };
    const line = this.#rest.toString('utf8', 0, end);
    this.#rest = this.#rest.subarray(end + 1);
    return { type: 'request', request: parse(line) };
  }

  encode(frame: ServerFrame): Buffer {
    return encode(frame);
  }

  stored(out: Outbox, _: Arena, requestId: number, id: number, at: number): void {
    out.push(encode(['ok', requestId, [id, at]]));
  }
}

export const dialect: Dialect = { open: (limit) => new JsonLines(limit) };
