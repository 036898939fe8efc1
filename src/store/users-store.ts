/**
 * Accounts in `users.txt` (see `users-record.ts` for its form): all of them in memory, every change appended to
 * the file and synced before it is acknowledged.
 */

import { foldName } from '../chat/names.ts';
import type { Account, AccountChange, AccountStore, AppendOutcome } from './accounts.ts';
import type { AppendFile } from './append-file.ts';
import { apply } from './users-load.ts';
import { accountOf, formatRecord, nameOf } from './users-record.ts';

/** Changes that may wait. Hashing is slower than any disk that works: more than this wait only if it does not. */
const WAITING_MAX = 1_024;

/**
 * A group ends with the record that reaches the next page. A crash may leave the pages of one write in any
 * order, zeros in front of what was written; with no second record behind a page boundary, that can
 * never look like damage in the middle.
 */
const PAGE_BYTES = 4_096;

interface Waiting {
  /** The line with its newline. */
  readonly text: string;
  readonly settle: (outcome: AppendOutcome) => void;
}

export class UsersStore implements AccountStore {
  readonly #file: AppendFile;
  /** The winning line of each account, without its newline, by folded name. A line takes half of an object. */
  readonly #lines: Map<string, string>;
  #waiting: Waiting[] = [];
  #flushing: Promise<void> | undefined;
  #isClosed = false;

  constructor(file: AppendFile, lines: Map<string, string>) {
    this.#file = file;
    this.#lines = lines;
  }

  get size(): number {
    return this.#lines.size;
  }

  find(name: string): Account | undefined {
    const line = this.#lines.get(foldName(name));
    return line === undefined ? undefined : accountOf(line);
  }

  *names(): Generator<string> {
    for (const line of this.#lines.values()) yield nameOf(line);
  }

  /** While one group is written, later changes wait for the next. A full queue MUST refuse the newest. */
  async append(change: AccountChange): Promise<AppendOutcome> {
    const text = formatRecord(change);
    if (this.#isClosed || this.#waiting.length >= WAITING_MAX) return 'storage_failed';
    const { promise, resolve } = Promise.withResolvers<AppendOutcome>();
    this.#waiting.push({ text, settle: resolve });
    this.#flushing ??= this.#flush();
    return promise;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#flushing;
    await this.#file.close();
  }

  async #flush(): Promise<void> {
    // What is appended in the same turn goes with the first group.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = this.#takeGroup();
      const outcome = await this.#file.append(Buffer.from(group.map(({ text }) => text).join('')));
      for (const { text, settle } of group) {
        if (outcome === 'stored') apply(this.#lines, text.slice(0, -1));
        settle(outcome);
      }
    }
    this.#flushing = undefined;
  }

  #takeGroup(): Waiting[] {
    let end = this.#file.end;
    const pageEnd = end - (end % PAGE_BYTES) + PAGE_BYTES;
    let count = 0;
    for (const { text } of this.#waiting) {
      if (end >= pageEnd) break;
      end += text.length;
      count++;
    }
    return this.#waiting.splice(0, count);
  }
}
