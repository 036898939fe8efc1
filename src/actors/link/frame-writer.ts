/**
 * Writes entries as the frames of their events, those of one batch side by side, so that an outbox that gets them all notes
 * them as one piece.
 */

import type { Entry } from '../../chat/entry.ts';
import { MESSAGE_BYTES, writeMessage } from '../../protocol/message-frame.ts';
import { BYTES_A_UNIT } from '../kernel/batch.ts';
import { eventFrame } from './event-frame.ts';
import type { Delivery } from './messages.ts';

const LEAST_BYTES = 512;
/** No account has this id. */
const NO_ACCOUNT = 0;

export class FrameWriter {
  #bytes = Buffer.allocUnsafeSlow(LEAST_BYTES);
  #end = 0;
  /** Frames of this batch that are in earlier buffers. */
  #before = 0;

  deliver(number: number, entry: Entry): Delivery {
    const { kind, id, at, account } = entry;
    const target = entry.kind === 'direct' ? entry.peer : entry.room;
    const key = 'key' in entry ? entry.key : null;
    const end = this.#write(entry);
    const start = this.#end;
    this.#end = end;
    return { kind, id, at, number, account, target, key, bytes: this.#bytes, start, end };
  }

  /** The next batch gets a buffer of its own, for about as much: whoever keeps a frame keeps only its batch. */
  endBatch(): void {
    const size = this.#before + this.#end;
    if (size === 0) return;
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(LEAST_BYTES, size + (size >> 1)));
    this.#end = 0;
    this.#before = 0;
  }

  /** Returns where the frame ends. */
  #write(entry: Entry): number {
    if (entry.kind !== 'message' && entry.kind !== 'direct') {
      const frame = eventFrame(entry, NO_ACCOUNT);
      this.#makeRoom(frame.length);
      return this.#end + frame.copy(this.#bytes, this.#end);
    }
    const { id, at, user, text } = entry;
    const to = entry.kind === 'message' ? entry.roomName : entry.peerName;
    this.#makeRoom(MESSAGE_BYTES + BYTES_A_UNIT * (user.length + to.length + text.length));
    return writeMessage(this.#bytes, this.#end, id, at, user, to, text);
  }

  /** Frames that have been delivered stay where they are. */
  #makeRoom(most: number): void {
    if (this.#end + most <= this.#bytes.length) return;
    this.#before += this.#end;
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(most, 2 * this.#bytes.length));
    this.#end = 0;
  }
}
