/**
 * The display: an HTML file that is open in a browser while records are appended to it. The HTML file is authoritative;
 * a live file beside it tells open pages what is new.
 */

import type { FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { cleanLine } from '../../common/escape-html.ts';
import type { DisplayRecord } from './display-record.ts';
import type { ConnectionStatus, LiveFile } from './live.ts';
import { describeFileError, isAt, isFull } from './output-path.ts';
import { renderBreak, renderEnd, renderRecord } from './render.ts';

/**
 * `disk_full`, `unwritable`: nothing of this call is in the file; later calls succeed once the disk works again.
 * `page_full`: the page has reached its maximum size. `lost`: someone removed, replaced or changed the file. After
 * `page_full` and `lost` every further call fails, and the display must be opened again. `busy`: too many calls are
 * waiting. After any failure none of the call's records are shown.
 */
export type WriteResult =
  | { readonly type: 'written' }
  | {
      readonly type: 'failed';
      readonly code: 'disk_full' | 'unwritable' | 'page_full' | 'lost' | 'busy' | 'closed';
      readonly text: string;
    };

/** Maximum number of waiting `append` calls. A further call fails at once and writes nothing. */
const MAX_WAITING = 256;

/**
 * Maximum size of a page in bytes, about 30,000 messages: a browser opens it in a few seconds. A single first call may
 * exceed it.
 */
const PAGE_LIMIT = 16 * 1024 * 1024;

const WRITTEN: WriteResult = { type: 'written' };

/** The files and the lock of a display. */
export interface DisplayFiles {
  /** The path as the user gave it, for messages. */
  readonly name: string;
  /** The path with symbolic links resolved. */
  readonly path: string;
  readonly handle: FileHandle;
  /** Size of the file in bytes. */
  readonly length: number;
  readonly live: LiveFile;
  /** Releases the lock. */
  release(): void;
}

export class Display {
  readonly #name: string;
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #live: LiveFile;
  readonly #release: () => void;
  readonly #limit: number;
  /** Bytes of the file known to be good: the page so far, without the remains of a failed write. */
  #length: number;
  #isTorn = false;
  #sequence = 0;
  #waiting = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;

  /** Called by `openDisplay`. */
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
  append(records: readonly DisplayRecord[]): Promise<WriteResult> {
    if (this.#closed !== undefined) {
      return Promise.resolve(this.#failed('closed', 'it is closed; open it again'));
    }
    if (this.#waiting >= MAX_WAITING) {
      return Promise.resolve(
        this.#failed('busy', 'the disk is too slow for the incoming messages; try again'),
      );
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

  /** Tells open pages about the connection status. */
  connection(connection: ConnectionStatus): void {
    this.#live.connection(connection);
  }

  /**
   * Waits for earlier calls, updates the live file, and closes the page. The live file stays, so that a page in the
   * background finds it when it checks next.
   */
  close(): Promise<void> {
    return this.#close(() => this.#live.close());
  }

  /** Closes the file without telling open pages, because another page replaces it. */
  abandon(): Promise<void> {
    return this.#close(() => this.#live.abandon());
  }

  /** Closes a full page after adding a link to the page that continues it. */
  finish(): Promise<void> {
    return this.#close(async () => {
      // The page is complete even without the link.
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

  async #write(records: readonly DisplayRecord[]): Promise<WriteResult> {
    const next = this.#sequence + 1;
    const elements = records.map((record, index) => renderRecord(record, next + index));
    const text = elements.map((element, index) => renderBreak(next + index) + element).join('');
    try {
      if (this.#isTorn) await this.#truncate();
      const status = await this.#handle.stat();
      if (status.size !== this.#length || !(await isAt(status, this.#path))) {
        return this.#failed('lost', 'someone removed, replaced or changed it');
      }
      if (this.#sequence > 0 && this.#length + Buffer.byteLength(text) > this.#limit) {
        return this.#failed('page_full', 'the page has reached its maximum size');
      }
      await this.#append(text);
    } catch (error) {
      // If this fails, the next write tries it again.
      await this.#truncate().catch(() => {});
      this.#live.cannotWritePage(true);
      return this.#failed(isFull(error) ? 'disk_full' : 'unwritable', describeFileError(error));
    }
    this.#live.cannotWritePage(false);
    this.#sequence += elements.length;
    this.#live.add(elements);
    return WRITTEN;
  }

  async #append(text: string): Promise<void> {
    const bytes = Buffer.from(text);
    this.#isTorn = true;
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
    this.#isTorn = false;
    this.#length += bytes.length;
  }

  async #truncate(): Promise<void> {
    await this.#handle.truncate(this.#length);
    this.#isTorn = false;
  }

  #failed(code: Extract<WriteResult, { type: 'failed' }>['code'], reason: string): WriteResult {
    return { type: 'failed', code, text: `cannot write the display ${this.#name}: ${reason}` };
  }
}
