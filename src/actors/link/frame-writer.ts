/**
 * Encodes the entries of a batch as the frames of their events, side by side in one buffer, so that an outbox that
 * receives all of them queues a single piece.
 */

import type { Entry } from '../../chat/entry.ts';
import { MAX_MESSAGE_OVERHEAD, writeMessage } from '../../protocol/message-frame.ts';
import { MAX_UTF8_BYTES_PER_UNIT } from '../kernel/batch.ts';
import { eventFrame } from './event-frame.ts';
import type { Delivery } from './messages.ts';

const MIN_BUFFER_BYTES = 512;
/** Cannot be an account id, because ids are positive. */
const NO_ACCOUNT = 0;

export class FrameWriter {
  #bytes = Buffer.allocUnsafeSlow(MIN_BUFFER_BYTES);
  #end = 0;
  /** Bytes of this batch in earlier, full buffers. */
  #fullBytes = 0;

  deliver(number: number, entry: Entry): Delivery {
    const { kind, id, at, account } = entry;
    const target = entry.kind === 'direct' ? entry.peer : entry.room;
    const key = 'key' in entry ? entry.key : null;
    const end = this.#write(entry);
    const start = this.#end;
    this.#end = end;
    return { kind, id, at, number, account, target, key, bytes: this.#bytes, start, end };
  }

  /** Gives the next batch a buffer of its own, so that a frame that is still queued keeps only its own batch in memory. */
  endBatch(): void {
    const size = this.#fullBytes + this.#end;
    if (size === 0) return;
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(MIN_BUFFER_BYTES, size + (size >> 1)));
    this.#end = 0;
    this.#fullBytes = 0;
  }

  /** Returns the offset after the frame. */
  #write(entry: Entry): number {
    if (entry.kind !== 'message' && entry.kind !== 'direct') {
      const frame = eventFrame(entry, NO_ACCOUNT);
      this.#makeRoom(frame.length);
      return this.#end + frame.copy(this.#bytes, this.#end);
    }
    const { id, at, user, text } = entry;
    const to = entry.kind === 'message' ? entry.roomName : entry.peerName;
    this.#makeRoom(MAX_MESSAGE_OVERHEAD + MAX_UTF8_BYTES_PER_UNIT * (user.length + to.length + text.length));
    return writeMessage(this.#bytes, this.#end, id, at, user, to, text);
  }

  /** Switches to a new buffer instead of growing the current one, because deliveries refer to its frames. */
  #makeRoom(most: number): void {
    if (this.#end + most <= this.#bytes.length) return;
    this.#fullBytes += this.#end;
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(most, 2 * this.#bytes.length));
    this.#end = 0;
  }
}
