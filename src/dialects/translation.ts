/**
 * Translates finished native frames into another form. A form is all that decides the bytes: connections that want the same
 * bytes share one translation, which is made when the first of them needs it.
 */

import { decodeServerFrame } from '../protocol/codec.ts';
import { FrameDecoder } from '../protocol/frame.ts';
import { LIMITS, type ServerFrame } from '../protocol/vocabulary.ts';

/**
 * Results kept. The recipients of a delivery come one after the other, so one would do, but for the author's own
 * connections, which are given other frames in between.
 */
const KEPT = 4;

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

  /** Of all frames in `frames` from `start` to before `end`, side by side. The caller must not change the result. */
  of(frames: Buffer, start = 0, end = frames.length): Buffer {
    const known = this.#results.find(
      (result) => result.frames === frames && result.start === start && result.end === end,
    );
    if (known !== undefined) return known.bytes;
    const bytes = this.#translate(frames.subarray(start, end));
    if (this.#results.length === KEPT) this.#results.shift();
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
