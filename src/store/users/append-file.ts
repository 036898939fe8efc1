/**
 * A file that only grows, by appends that are on disk before they are acknowledged.
 *
 * The file is trusted up to `end`. When an append fails, nothing more is written before the file has been opened
 * again, compared with what this object believes, and cut back to `end`. After a failed sync the kernel may have
 * dropped the pages or may call them clean without having written them, so a second sync of the same pages
 * proves nothing: the end of the trusted part is written once more, which makes those pages dirty, and synced. That
 * is done before the first append, too: the process before this one may have met a failed sync.
 *
 * Somebody else may edit the file, or put another in its place, at any time. Before and after each append the name must lead to
 * the file as this object left it. If it does not, nothing more is written here: whoever uses it reads the file again.
 */

import { constants, type Stats } from 'node:fs';
import type { AppendOutcome } from '../accounts.ts';
import { openDataFile } from '../files/data-file.ts';
import {
  type FileSystem,
  isDiskFull,
  isSystemError,
  type OpenFile,
  readFully,
  statOf,
  using,
  writeFully,
} from '../files/file-system.ts';
import { replaceFile } from '../files/replace-file.ts';

/**
 * A crash may leave the pages of one write in any order, zeros in front of what was written. Each page is synced before the
 * next is written, so what a crash leaves is a beginning of what was appended.
 */
const PAGE_BYTES = 4_096;
/** How much of the end is compared and written again. */
const TAIL_BYTES = 2 * PAGE_BYTES;

/** `changed`: the file is not as it was left. What was to be appended may be in it or not. */
export type Appended = AppendOutcome | 'changed';

export interface AppendFileOptions {
  readonly path: string;
  /** What a file that is created begins with. */
  readonly firstLine: string;
  /** Bytes that the file has and that are on disk; 0 if it has no first line: the first append creates it. */
  readonly length: number;
  /** The file as it is now; undefined if there is none. */
  readonly stats: Stats | undefined;
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
  /** The file as this object left it. */
  #stats: Stats | undefined;
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
    this.#stats = options.stats;
  }

  /** False if somebody else has changed the file. Throws what the file system throws. */
  async isUnchanged(): Promise<boolean> {
    // After a failed append nobody knows how the file is: opening it again tells.
    if (this.#reach !== this.#length) return true;
    return isSame(await statOf(this.#files, this.#path), this.#stats);
  }

  /** The caller waits for each append before it starts the next. */
  async append(bytes: Buffer): Promise<Appended> {
    /** From then on a full disk may have taken it all the same. */
    let isSyncing = false;
    try {
      if (!(await this.isUnchanged())) return 'changed';
      const handle = this.#handle ?? (await this.#reopen());
      if (typeof handle === 'string') return handle;
      this.#reach = this.#length + bytes.length;
      for (const [start, end] of pages(this.#length, bytes.length)) {
        isSyncing = false;
        await writeFully(handle, bytes.subarray(start, end), this.#length + start);
        isSyncing = true;
        await handle.datasync();
      }
      const stats = await statOf(this.#files, this.#path);
      if (stats?.size !== this.#reach || !isSameFile(stats, this.#stats)) return 'changed';
      this.#stats = stats;
    } catch (error) {
      if (!isSystemError(error)) throw error;
      this.#warnOnce(`nothing could be appended to ${this.#path}: ${error.message}`);
      const isUntouched = this.#reach === this.#length;
      const reopened = await this.#reopen();
      const isSetBack = isUntouched || typeof reopened !== 'string';
      if (reopened === 'changed') return reopened;
      return isDiskFull(error) && !isSyncing && isSetBack ? 'storage_full' : 'storage_failed';
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
  async #reopen(): Promise<OpenFile | Exclude<Appended, 'stored'>> {
    await this.close();
    try {
      const isOurs = (this.#length > 0 || (await this.#create())) && (await this.#setBack());
      if (!isOurs) return 'changed';
      // Behind what somebody else may append at this moment, never over it.
      const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW;
      this.#handle = await this.#files.open(this.#path, flags);
      return this.#handle;
    } catch (error) {
      if (!isSystemError(error)) throw error;
      this.#warnOnce(`${this.#path} cannot be written: ${error.message}`);
      return isDiskFull(error) ? 'storage_full' : 'storage_failed';
    }
  }

  /** False if there is something that this object did not write. */
  async #create(): Promise<boolean> {
    const found = await statOf(this.#files, this.#path);
    // An empty file or a torn first line may be there.
    if (found !== undefined && found.size > this.#firstLine.length) return false;
    const replacement = await replaceFile(this.#files, this.#path, [this.#firstLine]);
    if (replacement.type !== 'replaced') throw replacement.error;
    this.#stats = await statOf(this.#files, this.#path);
    this.#length = replacement.length;
    this.#reach = replacement.length;
    return true;
  }

  /** Cuts the file back to what is trusted. False, and nothing is touched, if it is not what this object wrote. */
  async #setBack(): Promise<boolean> {
    if (!isSameFile(await statOf(this.#files, this.#path), this.#stats)) return false;
    const isOurs = await using(await openDataFile(this.#files, this.#path), async (file) => {
      const { size } = await file.stat();
      if (size < this.#length || size > this.#reach) return false;
      const tailStart = Math.max(0, this.#length - TAIL_BYTES);
      const tail = await readFully(file, tailStart, this.#length - tailStart);
      if (this.#tail !== undefined && !this.#tail.equals(tail)) return false;
      await file.truncate(this.#length);
      await writeFully(file, tail, tailStart);
      await file.sync();
      this.#tail = tail;
      this.#reach = this.#length;
      return true;
    });
    this.#stats = await statOf(this.#files, this.#path);
    return isOurs;
  }

  #warnOnce(text: string): void {
    if (text !== this.#lastWarning) this.#warn(text);
    this.#lastWarning = text;
  }
}

/** The parts of `length` bytes at `position` that are on one page each. */
function* pages(position: number, length: number): Generator<readonly [start: number, end: number]> {
  let start = 0;
  while (start < length) {
    const left = PAGE_BYTES - ((position + start) % PAGE_BYTES);
    const end = Math.min(length, start + left);
    yield [start, end];
    start = end;
  }
}

function isSame(a: Stats | undefined, b: Stats | undefined): boolean {
  return isSameFile(a, b) && a?.size === b?.size && a?.mtimeMs === b?.mtimeMs;
}

function isSameFile(a: Stats | undefined, b: Stats | undefined): boolean {
  return a?.dev === b?.dev && a?.ino === b?.ino;
}
