/**
 * Splits a stream of bytes into Parley frames. The most frequent bodies are read in place, and all others are decoded by the codec.
 * Independent of sockets.
 */

import { decodeBody } from '../../protocol/codec.ts';
import { readSize } from '../../protocol/frame.ts';
import { HEADER_BYTES, LIMITS } from '../../protocol/vocabulary.ts';
import { isIgnored, readAcknowledgement, readMessage } from './parley-body.ts';

export interface FrameReceiver {
  /** A message. Its text is `bytes` from `start` up to `end`, valid only during the call. */
  message(bytes: Buffer, start: number, end: number, id: number): void;
  acknowledged(request: number, id: number): void;
  /** Any other frame. `bodyBytes`: the size of its body. */
  frame(frame: readonly unknown[], bodyBytes: number): void;
}

const NOTHING = Buffer.alloc(0);

function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}

export class ParleyFrames {
  readonly #receiver: FrameReceiver;
  /** The start of an incomplete frame. */
  #rest = NOTHING;
  /** A view of the last chunk's buffer. Kept because most reads use the same buffer. */
  #view = viewOf(NOTHING);
  #isStopped = false;

  constructor(receiver: FrameReceiver) {
    this.#receiver = receiver;
  }

  /** Reads the first `size` bytes, and does not retain them. Returns false if they are not valid frames; then the stream is unusable. */
  take(bytes: Buffer, size: number): boolean {
    let chunk = bytes;
    let length = size;
    if (this.#rest.length > 0) {
      length += this.#rest.length;
      chunk = Buffer.concat([this.#rest, bytes.subarray(0, size)], length);
      this.#rest = NOTHING;
    }
    const { buffer, byteOffset, byteLength } = this.#view;
    if (buffer !== chunk.buffer || byteOffset !== chunk.byteOffset || byteLength < length)
      this.#view = viewOf(chunk);
    let offset = 0;
    while (length - offset >= HEADER_BYTES && !this.#isStopped) {
      const bodyBytes = readSize(chunk, offset);
      if (bodyBytes < 0 || bodyBytes > LIMITS.frame) return false;
      const start = offset + HEADER_BYTES;
      if (start + bodyBytes > length) break;
      offset = start + bodyBytes;
      if (!this.#body(chunk, start, offset)) return false;
    }
    if (offset < length && !this.#isStopped) this.#rest = Buffer.from(chunk.subarray(offset, length));
    return true;
  }

  /** Ignores all further bytes, including the rest of a `take` in progress. */
  stop(): void {
    this.#isStopped = true;
  }

  #body(chunk: Buffer, start: number, end: number): boolean {
    const message = readMessage(chunk, this.#view, start, end);
    if (message !== undefined) {
      this.#receiver.message(chunk, message.start, message.end, message.id);
      return true;
    }
    const acknowledgement = readAcknowledgement(chunk, this.#view, start, end);
    if (acknowledgement !== undefined) {
      this.#receiver.acknowledged(acknowledgement.request, acknowledgement.id);
      return true;
    }
    // Ignored without decoding, because a large room has many of them.
    if (isIgnored(chunk, start)) return true;
    const frame = decodeBody(Buffer.from(chunk.subarray(start, end)));
    if (frame === undefined) return false;
    this.#receiver.frame(frame, end - start);
    return true;
  }
}
