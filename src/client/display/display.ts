/**
 * The display: an HTML file that is open in a browser while records are appended to it. The file is the truth; a live
 * file beside it tells open pages what has come since.
 */

import type { FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { cleanLine } from '../../common/escape-html.ts';
import type { DisplayRecord } from './display-record.ts';
import type { ConnectionStatus, LiveFile } from './live.ts';
import { explain, isAt, isFull } from './output-path.ts';
import { renderBreak, renderEnd, renderRecord } from './render.ts';

/**
 * `disk_full`, `unwritable`: nothing of this call is in the file; later calls work again when the disk does.
 * `page_full`: the page is as large as a page gets. `lost`: someone removed, replaced or changed the file. After
 * either no call will work again, and the display is to be opened anew. `busy`: too many calls are waiting. After a
 * failure none of the records of that call are shown.
 */
export type Written =
  | { readonly type: 'written' }
  | {
      readonly type: 'failed';
      readonly code: 'disk_full' | 'unwritable' | 'page_full' | 'lost' | 'busy' | 'closed';
      readonly text: string;
    };

/** Calls of `append` that may wait for the disk; a further one fails at once and writes nothing. */
const MAX_WAITING = 256;

/** Bytes of a page, about 30,000 messages: what a browser opens in a few seconds. One call may go beyond it. */
const PAGE_LIMIT = 16 * 1024 * 1024;

const WRITTEN: Written = { type: 'written' };

/** Where a display is, and what it holds on to. */
export interface DisplayFiles {
  /** As it was given: what people know it by. */
  readonly name: string;
  /** Behind links. */
  readonly path: string;
  readonly handle: FileHandle;
  /** Bytes of the file. */
  readonly length: number;
  readonly live: LiveFile;
  /** Gives up the lock on it. */
  release(): void;
}

export class Display {
  readonly #name: string;
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #live: LiveFile;
  readonly #release: () => void;
  readonly #limit: number;
  /** Bytes of the file that are known to be good: the page so far, without the rest of a failed write. */
  #length: number;
  #torn = false;
  #sequence = 0;
  #waiting = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;

  /** For `openDisplay`. */
  constructor({ name, path, handle, length, live, release }: DisplayFiles, limit: number = PAGE_LIMIT) {
    this.#name = cleanLine(name);
    this.#path = path;
    this.#handle = handle;
    this.#length = length;
    this.#live = live;
    this.#release = release;
    this.#limit = limit;
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

  /** Tells open pages how the client is connected from here on. */
  connection(connection: ConnectionStatus): void {
    this.#live.connection(connection);
  }

  /**
   * Waits for earlier calls, gives open pages what is outstanding, and lets go of the file. The live file stays, so
   * that a page in the background finds it when it looks next.
   */
  close(): Promise<void> {
    return this.#close(() => this.#live.close());
  }

  /** Lets go of the file because another page takes its place: open pages hear nothing of it. */
  leave(): Promise<void> {
    return this.#close(() => this.#live.abandon());
  }

  /** Leaves a page that is full, and that says at its end where it goes on. */
  finish(): Promise<void> {
    return this.#close(async () => {
      // It is a page without it too.
      await this.#append(renderEnd(basename(this.#path))).catch(() => {});
      await this.#live.abandon();
    });
  }

  #close(end: () => Promise<void>): Promise<void> {
    this.#closed ??= this.#turn.then(async () => {
      await end();
      await this.#handle.close().catch(() => {});
      this.#release();
    });
    return this.#closed;
  }

  async #write(records: readonly DisplayRecord[]): Promise<Written> {
    const next = this.#sequence + 1;
    const elements = records.map((record, index) => renderRecord(record, next + index));
    const text = elements.map((element, index) => renderBreak(next + index) + element).join('');
    try {
      if (this.#torn) await this.#mend();
      const status = await this.#handle.stat();
      if (status.size !== this.#length || !(await isAt(status, this.#path))) {
        return this.#failed('lost', 'someone removed, replaced or changed it');
      }
      if (this.#sequence > 0 && this.#length + Buffer.byteLength(text) > this.#limit) {
        return this.#failed('page_full', 'the page is as large as it may get');
      }
      await this.#append(text);
    } catch (error) {
      // What fails here is tried again before the next write.
      await this.#mend().catch(() => {});
      this.#live.cannotWritePage(true);
      return this.#failed(isFull(error) ? 'disk_full' : 'unwritable', explain(error));
    }
    this.#live.cannotWritePage(false);
    this.#sequence += elements.length;
    this.#live.add(elements);
    return WRITTEN;
  }

  async #append(text: string): Promise<void> {
    const bytes = Buffer.from(text);
    this.#torn = true;
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
    this.#torn = false;
    this.#length += bytes.length;
  }

  async #mend(): Promise<void> {
    await this.#handle.truncate(this.#length);
    this.#torn = false;
  }

  #failed(code: Extract<Written, { type: 'failed' }>['code'], reason: string): Written {
    return { type: 'failed', code, text: `cannot write the display ${this.#name}: ${reason}` };
  }
}
