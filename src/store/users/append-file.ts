/**
 * An append-only file, whose appends are on disk before they are acknowledged.
 *
 * The file is trusted up to `#length`. After a failed append, nothing is written until the file has been reopened, compared
 * with what this object expects, and truncated to that length. After a failed sync the kernel may have dropped the pages, or
 * may call them clean without having written them, so another sync of the same pages proves nothing. Therefore the end
 * of the trusted part is rewritten, which makes those pages dirty, and synced. This also happens before the first
 * append, because the previous process may have met a failed sync.
 *
 * Anyone may edit or replace the file at any time. Before and after each append, the path must lead to the file as this
 * object left it. If it does not, nothing more is written here, and the user of this object reads the file again.
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
 * A crash may leave the pages of one write in any order, with zeros before written data. Each page is synced before the
 * next is written, so a crash leaves a prefix of what was appended.
 */
const PAGE_BYTES = 4_096;
/** How much of the end is compared and rewritten. */
const TAIL_BYTES = 2 * PAGE_BYTES;

/** `changed`: the file is not as it was left. The appended bytes may or may not be in it. */
export type AppendResult = AppendOutcome | 'changed';

export interface AppendFileOptions {
  readonly path: string;
  /** The first line of a newly created file. */
  readonly firstLine: string;
  /** Bytes of the file that are on disk; 0 if it has no first line, in which case the first append creates it. */
  readonly length: number;
  /** The file's current state; undefined if there is none. */
  readonly stats: Stats | undefined;
  readonly files: FileSystem;
  /** Called when the file cannot be written, once per cause. */
  readonly warn: (text: string) => void;
}

export class AppendFile {
  readonly #path: string;
  readonly #firstLine: string;
  readonly #files: FileSystem;
  readonly #warn: (text: string) => void;
  #handle: OpenFile | undefined;
  /** The trusted length in bytes. */
  #length: number;
  /** The furthest that a write may have reached: equals `#length` unless an append has failed. */
  #maxLength: number;
  /** The file's state as this object left it. */
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
    this.#maxLength = options.length;
    this.#stats = options.stats;
  }

  /** False if someone else has changed the file. Throws file system errors. */
  async isUnchanged(): Promise<boolean> {
    // After a failed append the file's state is unknown until it is reopened.
    if (this.#maxLength !== this.#length) return true;
    return isSame(await statOf(this.#files, this.#path), this.#stats);
  }

  /** The caller waits for each append before it starts the next. */
  async append(bytes: Buffer): Promise<AppendResult> {
    /** Once a sync has started, even a write that then fails on a full disk may be on disk. */
    let isSyncing = false;
    try {
      if (!(await this.isUnchanged())) return 'changed';
      const handle = this.#handle ?? (await this.#reopen());
      if (typeof handle === 'string') return handle;
      this.#maxLength = this.#length + bytes.length;
      for (const [start, end] of pages(this.#length, bytes.length)) {
        isSyncing = false;
        await writeFully(handle, bytes.subarray(start, end), this.#length + start);
        isSyncing = true;
        await handle.datasync();
      }
      const stats = await statOf(this.#files, this.#path);
      if (stats?.size !== this.#maxLength || !isSameFile(stats, this.#stats)) return 'changed';
      this.#stats = stats;
    } catch (error) {
      if (!isSystemError(error)) throw error;
      this.#warnOnce(`cannot append to ${this.#path}: ${error.message}`);
      const isUntouched = this.#maxLength === this.#length;
      const reopened = await this.#reopen();
      const isTruncated = isUntouched || typeof reopened !== 'string';
      if (reopened === 'changed') return reopened;
      return isDiskFull(error) && !isSyncing && isTruncated ? 'storage_full' : 'storage_failed';
    }
    this.#length += bytes.length;
    this.#tail = Buffer.concat([this.#tail ?? Buffer.alloc(0), bytes]).subarray(-TAIL_BYTES);
    this.#lastWarning = undefined;
    return 'stored';
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    // Acknowledged data is synced, so closing cannot lose anything.
    await handle?.close().catch(() => undefined);
  }

  /**
   * The file, truncated to the trusted part and synced; or why there is none, after which a later call may try again.
   */
  async #reopen(): Promise<OpenFile | Exclude<AppendResult, 'stored'>> {
    await this.close();
    try {
      const isOurs = (this.#length > 0 || (await this.#create())) && (await this.#truncateToTrusted());
      if (!isOurs) return 'changed';
      // Appends after anything that someone else appends at this moment, and never overwrites it.
      const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW;
      this.#handle = await this.#files.open(this.#path, flags);
      return this.#handle;
    } catch (error) {
      if (!isSystemError(error)) throw error;
      this.#warnOnce(`${this.#path} cannot be written: ${error.message}`);
      return isDiskFull(error) ? 'storage_full' : 'storage_failed';
    }
  }

  /** False if the file contains something that this object did not write. */
  async #create(): Promise<boolean> {
    const found = await statOf(this.#files, this.#path);
    // The file may be empty, or contain a torn first line.
    if (found !== undefined && found.size > this.#firstLine.length) return false;
    const replacement = await replaceFile(this.#files, this.#path, [this.#firstLine]);
    if (replacement.type !== 'replaced') throw replacement.error;
    this.#stats = await statOf(this.#files, this.#path);
    this.#length = replacement.length;
    this.#maxLength = replacement.length;
    return true;
  }

  /** Truncates the file to its trusted part. False, without any change, if it is not what this object wrote. */
  async #truncateToTrusted(): Promise<boolean> {
    if (!isSameFile(await statOf(this.#files, this.#path), this.#stats)) return false;
    const isOurs = await using(await openDataFile(this.#files, this.#path), async (file) => {
      const { size } = await file.stat();
      if (size < this.#length || size > this.#maxLength) return false;
      const tailStart = Math.max(0, this.#length - TAIL_BYTES);
      const tail = await readFully(file, tailStart, this.#length - tailStart);
      if (this.#tail !== undefined && !this.#tail.equals(tail)) return false;
      await file.truncate(this.#length);
      await writeFully(file, tail, tailStart);
      await file.sync();
      this.#tail = tail;
      this.#maxLength = this.#length;
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

/** Splits `length` bytes at `position` at the page boundaries. */
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
