/**
 * Translates encoded native frames into the frames of another dialect. Connections that need the same bytes share one
 * `Translation`, which translates each delivery once, when the first of them needs it.
 */

import { decodeServerFrame } from '../protocol/codec.ts';
import { FrameDecoder } from '../protocol/frame.ts';
import { LIMITS, type ServerFrame } from '../protocol/vocabulary.ts';

/**
 * The recipients of a delivery come one after the other, so one cached result would do, except that the author's own
 * connections get other frames in between.
 */
const CACHED_RESULTS = 4;

interface Result {
  readonly frames: Buffer;
  readonly start: number;
  readonly end: number;
  readonly bytes: Buffer;
}

export class Translation {
  readonly #encode: (frame: ServerFrame) => Buffer;
  readonly #results: Result[] = [];

  constructor(encode: (frame: ServerFrame) => Buffer) {
    this.#encode = encode;
  }

  /** The translation of the frames in `frames` from `start` up to but not including `end`. Callers must not modify it. */
  of(frames: Buffer, start = 0, end = frames.length): Buffer {
    const known = this.#results.find(
      (result) => result.frames === frames && result.start === start && result.end === end,
    );
    if (known !== undefined) return known.bytes;
    const bytes = this.#translate(frames.subarray(start, end));
    if (this.#results.length === CACHED_RESULTS) this.#results.shift();
    this.#results.push({ frames, start, end, bytes });
    return bytes;
  }

  #translate(frames: Buffer): Buffer {
    const decoder = new FrameDecoder(LIMITS.frame);
    decoder.push(frames);
    const translated: Buffer[] = [];
    for (let next = decoder.next(); next.type === 'body'; next = decoder.next()) {
      translated.push(this.#encode(decodeServerFrame(next.body)));
    }
    return Buffer.concat(translated);
  }
}
