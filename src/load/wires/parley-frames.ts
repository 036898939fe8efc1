/**
 * Parley's protocol out of a stream of bytes: what comes by the hundred thousand is found where it lies, and everything else is decoded as any client
 * would. Bytes in, calls out; no sockets here.
 */

import { decodeBody } from '../../protocol/codec.ts';
import { readSize } from '../../protocol/frame.ts';
import { HEADER_BYTES, LIMITS } from '../../protocol/vocabulary.ts';
import { isPassedOver, readAcknowledgement, readMessage } from './parley-body.ts';

export interface FrameReceiver {
  /** The text of a message is `bytes` from `start` to `end`, good only during the call. */
  message(bytes: Buffer, start: number, end: number, id: number): void;
  acknowledged(request: number, id: number): void;
  /** Anything else. `bytes`: of its body. */
  frame(frame: readonly unknown[], bytes: number): void;
}

const NOTHING = Buffer.alloc(0);

function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}

export class ParleyFrames {
  readonly #receiver: FrameReceiver;
  /** The begin of a frame whose end has not come. */
  #rest = NOTHING;
  /** Over the bytes that were taken last, which are mostly the same ones. */
  #view = viewOf(NOTHING);
  #isStopped = false;

  constructor(receiver: FrameReceiver) {
    this.#receiver = receiver;
  }

  /** Takes the first `size` bytes, and keeps none of them. False if the stream is not one of frames: it is lost. */
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

  /** Passes over everything from now on, also what is left of the bytes that are being taken. */
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
    // Who comes, goes and is online: in a large room they are many, and nobody asks.
    if (isPassedOver(chunk, start)) return true;
    const frame = decodeBody(Buffer.from(chunk.subarray(start, end)));
    if (frame === undefined) return false;
    this.#receiver.frame(frame, end - start);
    return true;
  }
}
