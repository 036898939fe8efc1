/**
 * Frames: an 8-byte header and a body. The header is the body's size in bytes as an ASCII decimal integer, padded
 * with blanks to 8 bytes: `"42      "`.
 */

import { HEADER_BYTES } from './vocabulary.ts';

const BLANK = 0x20;
const ZERO = 0x30;

export type HeaderFault = 'bad_frame' | 'frame_too_large';

/** The result of decoding: a whole body, a need for more bytes, or a stream that has lost its frame boundaries. */
export type Decoded =
  | { readonly type: 'body'; readonly body: Buffer }
  | { readonly type: 'more' }
  | { readonly type: 'fault'; readonly fault: HeaderFault };

const EMPTY = Buffer.alloc(0);

const MORE: Decoded = { type: 'more' };
const BAD_FRAME: Decoded = { type: 'fault', fault: 'bad_frame' };
const TOO_LARGE: Decoded = { type: 'fault', fault: 'frame_too_large' };

/**
 * The size in the header at `offset`. Returns −1 unless the header is a decimal integer of at least 1, without a
 * leading zero, followed by at least one blank.
 */
export function readSize(bytes: Buffer, offset: number): number {
  let size = 0;
  let digits = 0;
  while (digits < HEADER_BYTES) {
    const digit = (bytes[offset + digits] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) break;
    if (digit === 0 && size === 0) return -1;
    size = size * 10 + digit;
    digits += 1;
  }
  if (digits === 0 || digits === HEADER_BYTES) return -1;
  for (let i = digits; i < HEADER_BYTES; i += 1) if (bytes[offset + i] !== BLANK) return -1;
  return size;
}

/** Writes the header for a body of `size` bytes (1 to 9,999,999) into the 8 bytes of `target` at `start`. */
export function writeSize(target: Buffer, size: number, start = 0): void {
  let digits = 1;
  for (let bound = 10; bound <= size; bound *= 10) digits += 1;
  let rest = size;
  for (let i = HEADER_BYTES - 1; i >= 0; i -= 1) {
    if (i >= digits) {
      target[start + i] = BLANK;
    } else {
      target[start + i] = ZERO + (rest % 10);
      rest = Math.floor(rest / 10);
    }
  }
}

/** A frame around a body that is already encoded. */
export function frameBody(body: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + body.length);
  writeSize(frame, body.length);
  frame.set(body, HEADER_BYTES);
  return frame;
}

/**
 * Splits a stream of bytes into bodies. Pull-based: `push` a chunk, then call `next` until it returns `more`. The
 * caller may pause in between, for example while a login is being checked, and continue with a larger limit.
 *
 * A body that is complete in one chunk is a view of that chunk. A body split across chunks gets a buffer of exactly
 * its size, allocated only after the size has been checked against `limit`.
 */
export class FrameDecoder {
  /** Largest body accepted, in bytes. A change applies to headers that have not been read yet. */
  limit: number;
  #chunk: Buffer = EMPTY;
  #offset = 0;
  /** A header split across chunks. Most connections never have one. */
  #header = EMPTY;
  #headerFill = 0;
  #body: Buffer | undefined;
  #bodyFill = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** True between frames, with no bytes of the next one pushed. */
  get idle(): boolean {
    return this.#headerFill === 0 && this.#body === undefined && this.#offset === this.#chunk.length;
  }

  /**
   * Appends the next bytes of the stream. The decoder buffers bytes without a limit until `next` consumes them, so a
   * caller that stops calling `next` must stop reading its socket.
   */
  push(chunk: Buffer): void {
    const rest = this.#chunk.length - this.#offset;
    this.#chunk = rest === 0 ? chunk : Buffer.concat([this.#chunk.subarray(this.#offset), chunk]);
    this.#offset = 0;
  }

  /** The next body, if it is complete. Do not call again after a fault. */
  next(): Decoded {
    if (this.#body !== undefined) return this.#fillBody(this.#body);
    const available = this.#chunk.length - this.#offset;
    if (this.#headerFill > 0 || available < HEADER_BYTES) return this.#fillHeader();
    const size = readSize(this.#chunk, this.#offset);
    this.#offset += HEADER_BYTES;
    return this.#start(size);
  }

  #fillHeader(): Decoded {
    if (this.#offset === this.#chunk.length) return this.#more();
    if (this.#headerFill === 0) this.#header = Buffer.alloc(HEADER_BYTES);
    const taken = this.#chunk.copy(this.#header, this.#headerFill, this.#offset);
    this.#headerFill += taken;
    this.#offset += taken;
    if (this.#headerFill < HEADER_BYTES) return this.#more();
    this.#headerFill = 0;
    const size = readSize(this.#header, 0);
    this.#header = EMPTY;
    return this.#start(size);
  }

  #start(size: number): Decoded {
    if (size < 0) return BAD_FRAME;
    if (size > this.limit) return TOO_LARGE;
    const end = this.#offset + size;
    if (end <= this.#chunk.length) {
      const body = this.#chunk.subarray(this.#offset, end);
      this.#offset = end;
      return { type: 'body', body };
    }
    this.#body = Buffer.allocUnsafe(size);
    this.#bodyFill = 0;
    return this.#fillBody(this.#body);
  }

  #fillBody(body: Buffer): Decoded {
    const taken = this.#chunk.copy(body, this.#bodyFill, this.#offset);
    this.#bodyFill += taken;
    this.#offset += taken;
    if (this.#bodyFill < body.length) return this.#more();
    this.#body = undefined;
    return { type: 'body', body };
  }

  /** Releases the consumed chunk, which an idle connection would otherwise keep alive. */
  #more(): Decoded {
    this.#chunk = EMPTY;
    this.#offset = 0;
    return MORE;
  }
}
