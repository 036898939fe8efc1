/** The native dialect: MessagePack frames, as described in `docs/protocol.md`. */

import { decodeBody, encodeFrame } from '../../protocol/codec.ts';
import { FrameDecoder } from '../../protocol/frame.ts';
import { MAX_STORED_BYTES, writeStored } from '../../protocol/message-frame.ts';
import type { ServerFrame } from '../../protocol/vocabulary.ts';
import type { Arena } from '../../transport/arena.ts';
import type { Outbox } from '../../transport/outbox.ts';
import type { Codec, Dialect, Read } from '../dialect.ts';

export const dialect: Dialect = { open: (limit) => new NativeCodec(limit) };

class NativeCodec implements Codec {
  readonly #decoder: FrameDecoder;

  constructor(limit: number) {
    this.#decoder = new FrameDecoder(limit);
  }

  get translation(): undefined {
    return undefined;
  }

  set limit(bytes: number) {
    this.#decoder.limit = bytes;
  }

  get limit(): number {
    return this.#decoder.limit;
  }

  push(bytes: Buffer): void {
    this.#decoder.push(bytes);
  }

  next(): Read {
    const decoded = this.#decoder.next();
    return decoded.type === 'body' ? { type: 'request', request: decodeBody(decoded.body) } : decoded;
  }

  encode(frame: ServerFrame): Buffer {
    return encodeFrame(frame);
  }

  stored(out: Outbox, arena: Arena, requestId: number, id: number, at: number): void {
    const start = arena.open(MAX_STORED_BYTES);
    const end = writeStored(arena.block, start, requestId, id, at);
    arena.close(end);
    out.push(arena.block, start, end);
  }
}
