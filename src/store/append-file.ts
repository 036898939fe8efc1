/**
 * A file that only grows, by appends that are on disk before they are acknowledged.
 *
 * The file is trusted up to `end`. When an append fails, nothing more is written before the file has been opened
 * again, compared with what this object believes, and cut back to `end`. After a failed sync the kernel may have
 * dropped the pages or may call them clean without having written them, so a second sync of the same pages
 * proves nothing: the end of the trusted part is written once more, which makes those pages dirty, and synced. That
 * is done before the first append, too: the process before this one may have met a failed sync.
 */

import type { AppendOutcome } from './accounts.ts';
import {
  type FileSystem,
  isDiskFull,
  isSystemError,
  type OpenFile,
  readFully,
  statOf,
  writeFully,
} from './file-system.ts';
import { replaceFile } from './replace-file.ts';

/** How much of the end is compared and written again: more than one append and the page that it began in. */
const TAIL_BYTES = 8_192;

export interface AppendFileOptions {
  readonly path: string;
  /** What a file that is created begins with. */
  readonly firstLine: string;
  /** Bytes that the file has and that are on disk; 0 if it has no first line: the first append creates it. */
  readonly length: number;
  readonly files: FileSystem;
  /** Told when the file cannot be written, once for each cause. */
  readonly warn: (text: string) => void;
}

export class AppendFile {
  readonly #path: string;
  readonly #firstLine: string;
  readonly #files: FileSystem;
  readonly #warn: (text: string) => void;
  #handle: OpenFile | undefined;
  /** Bytes that are trusted. */
  #length: number;
  /** The furthest that a write may have come: `#length` unless an append has failed. */
  #reach: number;
  /** The last `TAIL_BYTES` before `#length`; unknown until the file is first opened. */
  #tail: Buffer | undefined;
  #lastWarning: string | undefined;

  constructor(options: AppendFileOptions) {
    this.#path = options.path;
    this.#firstLine = options.firstLine;
    this.#files = options.files;
    this.#warn = options.warn;
    this.#length = options.length;
    this.#reach = options.length;
  }

  /** Where the next append begins, in bytes. */
  get end(): number {
    return Math.max(this.#length, this.#firstLine.length);
  }

  /** One write and one sync. The caller waits for each append before it starts the next. */
  async append(bytes: Buffer): Promise<AppendOutcome> {
    const handle = this.#handle ?? (await this.#reopen());
    if (typeof handle === 'string') return handle;

    this.#reach = this.#length + bytes.length;
    let isWritten = false;
    try {
      await writeFully(handle, bytes, this.#length);
      isWritten = true;
      await handle.datasync();
    } catch (error) {
      if (!isSystemError(error)) throw error;
      this.#warnOnce(`nothing could be appended to ${this.#path}: ${error.message}`);
      const reopened = await this.#reopen();
      const isSetBack = typeof reopened !== 'string';
      return isDiskFull(error) && !isWritten && isSetBack ? 'storage_full' : 'storage_failed';
    }
    this.#length += bytes.length;
    this.#tail = Buffer.concat([this.#tail ?? Buffer.alloc(0), bytes]).subarray(-TAIL_BYTES);
    this.#lastWarning = undefined;
    return 'stored';
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    // What was acknowledged is synced: closing has nothing left to lose.
    await handle?.close().catch(() => undefined);
  }

  /** The file, cut back to what is trusted and synced; or why there is none, after which a later call may try. */
  async #reopen(): Promise<OpenFile | 'storage_full' | 'storage_failed'> {
    await this.close();
    try {
      const isOurs = (this.#length > 0 || (await this.#create())) && (await this.#setBack());
      if (isOurs && this.#handle !== undefined) return this.#handle;
    } catch (error) {
      await this.close();
      if (!isSystemError(error)) throw error;
      this.#warnOnce(`${this.#path} cannot be written: ${error.message}`);
      return isDiskFull(error) ? 'storage_full' : 'storage_failed';
    }
    await this.close();
    this.#warnOnce(
      `${this.#path} was changed while the server ran, and nothing more is written to it: restart the server, which reads it again`,
    );
    return 'storage_failed';
  }

  /** False if there is something that this object did not write. */
  async #create(): Promise<boolean> {
    const found = await statOf(this.#files, this.#path);
    // An empty file or a torn first line may be there.
    if (found !== undefined && found.size > this.#firstLine.length) return false;
    const replacement = await replaceFile(this.#files, this.#path, [this.#firstLine]);
    if (replacement.type !== 'replaced') throw replacement.error;
    this.#length = replacement.length;
    this.#reach = replacement.length;
    return true;
  }

  /** Opens the file and cuts it back. False, and nothing is touched, if it is not what this object wrote. */
  async #setBack(): Promise<boolean> {
    const handle = await this.#files.open(this.#path, 'r+');
    this.#handle = handle;
    const { size } = await handle.stat();
    if (size < this.#length || size > this.#reach) return false;
    const tailStart = Math.max(0, this.#length - TAIL_BYTES);
    const tail = await readFully(handle, tailStart, this.#length - tailStart);
    if (this.#tail !== undefined && !this.#tail.equals(tail)) return false;
    await handle.truncate(this.#length);
    await writeFully(handle, tail, tailStart);
    await handle.sync();
    this.#tail = tail;
    this.#reach = this.#length;
    return true;
  }

  #warnOnce(text: string): void {
    if (text !== this.#lastWarning) this.#warn(text);
    this.#lastWarning = text;
  }
}
