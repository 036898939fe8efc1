/**
 * The message log as the registry sees it: append in, committed out. On one machine it is SQLite.
 */

import type { Account, Directory } from '../chat/directory.ts';
import type { Draft, Entry } from '../chat/entry.ts';

export interface NewAccount {
  readonly name: string;
  readonly guest: boolean;
}

/** What one turn of the registry has to commit, in this order. */
export interface Batch {
  readonly accounts: readonly NewAccount[];
  readonly drafts: readonly Draft[];
  /** Accounts that end: their names are free, their ids are never used again. */
  readonly retired: readonly Account[];
  /** What accounts have been shown everything up to. Marks never go back. */
  readonly seen: ReadonlyArray<readonly [account: number, id: number]>;
}

/**
 * What became of a batch, which is committed whole or not at all.
 * `storage_full`: not stored. `storage_failed`: not known; the log must be reopened before it is used again.
 */
export type Appended =
  | { readonly type: 'committed'; readonly accounts: readonly Account[]; readonly entries: readonly Entry[] }
  | { readonly type: 'storage_full' }
  | { readonly type: 'storage_failed'; readonly error: Error };

/** What has become too old. Times are in milliseconds since 1970. */
export interface Forgettable {
  /** The time, by a clock that can be believed (`SteadyClock.settled`). */
  readonly now: number;
  /** Keys of the entries from before this time. */
  readonly keysBefore: number;
  /** Entries from before this time, but for the newest of all, and memberships that ended before all others. −∞: none. */
  readonly entriesBefore: number;
  /** At most so many of each kind. */
  readonly limit: number;
}

/** `isMore`: there is more to forget, with another call. */
export type Forgotten =
  | { readonly type: 'forgotten'; readonly isMore: boolean }
  | Exclude<Appended, { readonly type: 'committed' }>;

/** The disk failed while something was read from the log. */
export class StorageFailure extends Error {}

/** What a key was used for before. */
export interface KeyUse {
  readonly id: number;
  readonly at: number;
  /** True if it was this very message. */
  isSame(to: string, text: string): boolean;
}

/** Whatever reads throws a `StorageFailure` when the disk fails. */
export interface MessageLog {
  /** The id of the newest entry; 0 in an empty log. */
  readonly lastId: number;
  /** Commits a batch. What is in it is on disk when this returns `committed`. */
  append(batch: Batch): Appended;
  /** The next entries behind `id`, in order, at most `limit`. */
  readAfter(id: number, limit: number): Entry[];
  /** The newest entries, oldest first, at most `limit`. */
  readNewest(limit: number): Entry[];
  /** Accounts that began behind the one with this id, in order, and have not been retired. */
  readAccountsAfter(id: number): Account[];
  /** What the account has been shown everything up to; 0 for nothing yet. */
  readSeen(account: number): number;
  /** What the account used the key for, if it did and has not been forgotten. */
  findKey(account: number, key: string): KeyUse | undefined;
  /** Removes what has become too old, all of it or nothing. */
  forget(forgettable: Forgettable): Forgotten;
  /** Keeps the write-ahead log from growing on while somebody reads all the time. Call it now and then. */
  boundWal(): void;
  /** The accounts and rooms as of the newest entry. */
  load(): Directory;
  /** Why what is committed would not be found at the next start, such as that the file was deleted; undefined if it would be. */
  misplaced(): string | undefined;
  /**
   * Opens the database again, as after a failed commit, and makes sure that all that is in it is on disk. Throws if
   * that fails too: then nothing else may be called before a later call has succeeded.
   */
  reopen(): void;
  close(): void;
}
