/**
 * The display: an HTML file that is open in a browser while records are appended to it. The file is the truth; a live
 * file beside it tells open pages what has come since.
 */

import type { FileHandle } from 'node:fs/promises';
import { cleanLine } from './escape.ts';
import type { LiveFile } from './live.ts';
import type { DisplayRecord } from './record.ts';
import { renderBreak, renderRecord } from './render.ts';
import { explain, isFull } from './target.ts';

/**
 * `disk_full`: nothing of this call is in the file; later calls work again when there is room. `lost`: someone
 * removed, replaced or changed the file; no call will work again. `busy`: too many calls are waiting. After a
 * failure none of the records of that call are shown.
 */
export type Written =
  | { readonly type: 'written' }
  | {
      readonly type: 'failed';
      readonly code: 'disk_full' | 'unwritable' | 'lost' | 'busy' | 'closed';
      readonly text: string;
    };

/** Calls of `append` that may wait for the disk; a further one fails at once and writes nothing. */
const MAX_WAITING = 256;

const WRITTEN: Written = { type: 'written' };

export class Display {
  readonly #name: string;
  readonly #handle: FileHandle;
  readonly #live: LiveFile;
  readonly #release: () => void;
  /** Bytes of the file that are known to be good: the page so far, without the rest of a failed write. */
  #length: number;
  #torn = false;
  #sequence = 0;
  #waiting = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;

  /** For `openDisplay`. The file has `length` bytes; `release` gives up the lock on it. */
  constructor(name: string, handle: FileHandle, length: number, live: LiveFile, release: () => void) {
    this.#name = cleanLine(name);
    this.#handle = handle;
    this.#length = length;
    this.#live = live;
    this.#release = release;
  }

  /** Appends the records with one write, after those of earlier calls. Resolves when the bytes are in the file. */
  append(records: readonly DisplayRecord[]): Promise<Written> {
    if (this.#closed !== undefined) {
      return Promise.resolve(this.#failed('closed', 'it has been closed; open it again'));
    }
    if (this.#waiting >= MAX_WAITING) {
      return Promise.resolve(this.#failed('busy', 'the disk is too slow for what comes in; try again'));
    }
    this.#waiting += 1;
    const written = this.#turn.then(() => this.#write(records));
    this.#turn = written
      .catch(() => {})
      .then(() => {
        this.#waiting -= 1;
      });
    return written;
  }

  /**
   * Waits for earlier calls, gives open pages what is outstanding, and lets go of the file. The live file stays, so
   * that a page in the background finds it when it looks next.
   */
  close(): Promise<void> {
    this.#closed ??= this.#turn.then(async () => {
      await this.#live.close();
      await this.#handle.close();
      this.#release();
    });
    return this.#closed;
  }

  async #write(records: readonly DisplayRecord[]): Promise<Written> {
    const next = this.#sequence + 1;
    const elements = records.map((record, index) => renderRecord(record, next + index));
    const bytes = Buffer.from(elements.map((element, index) => renderBreak(next + index) + element).join(''));
    try {
      if (this.#torn) await this.#mend();
      const { nlink, size } = await this.#handle.stat();
      if (nlink === 0 || size !== this.#length) {
        return this.#failed('lost', 'someone removed or changed it; start the client again for a fresh one');
      }
      this.#torn = true;
      await this.#writeAll(bytes);
      this.#torn = false;
    } catch (error) {
      // What fails here is tried again before the next write.
      await this.#mend().catch(() => {});
      return this.#failed(isFull(error) ? 'disk_full' : 'unwritable', explain(error));
    }
    this.#length += bytes.length;
    this.#sequence += elements.length;
    this.#live.add(elements);
    return WRITTEN;
  }

  async #writeAll(bytes: Buffer): Promise<void> {
    let done = 0;
    while (done < bytes.length) {
      const { bytesWritten } = await this.#handle.write(
        bytes,
        done,
        bytes.length - done,
        this.#length + done,
      );
      done += bytesWritten;
    }
  }

  async #mend(): Promise<void> {
    await this.#handle.truncate(this.#length);
    this.#torn = false;
  }

  #failed(code: Extract<Written, { type: 'failed' }>['code'], reason: string): Written {
    return { type: 'failed', code, text: `cannot write the display ${this.#name}: ${reason}` };
  }
}
