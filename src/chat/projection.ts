/**
 * What a fold needs of the database that it keeps: writes in one transaction, and the reads that start and repair the
 * state in memory. `src/store` implements it with SQLite.
 */

import type { Account, Directory } from './directory.ts';
import type { Draft, Entry } from './entry.ts';
import type { KeyUse } from './state.ts';

export interface NewAccount {
  readonly name: string;
  readonly guest: boolean;
}

/** Writes within a transaction. Reads of the projection see what has been written. */
export interface ProjectionWriter {
  /** Stores an entry under the next id. `at`: the wall clock when its batch was committed, in milliseconds since 1970. */
  entry(draft: Draft, at: number): Entry;
  begin(account: NewAccount): Account;
  /** Frees the name. The id is never used again. */
  end(account: Account): void;
  /** What the account has been shown everything up to. Marks never go back. */
  mark(account: number, id: number): void;
  /** Where the fold is in the log. */
  moveTo(position: number): void;
}

/**
 * What became of a transaction, which is stored whole or not at all.
 * `storage_full`: not stored. `storage_failed`: not known; the projection must be reopened before it is used again.
 */
export type Stored<T> =
  | { readonly type: 'committed'; readonly value: T }
  | { readonly type: 'storage_full' }
  | { readonly type: 'storage_failed'; readonly error: Error };

export type StorageTrouble = Exclude<Stored<unknown>, { readonly type: 'committed' }>;

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
export type Forgotten = { readonly type: 'forgotten'; readonly isMore: boolean } | StorageTrouble;

/** The disk failed while something was read. */
export class StorageFailure extends Error {}

/** Whatever reads throws a `StorageFailure` when the disk fails. */
export interface Projection {
  /** The id of the newest entry; 0 if there is none. */
  readonly lastId: number;
  /** Up to where the log has been applied; 0 for a log that does not number its batches. */
  readonly position: number;
  /** Runs `work` in one transaction. What was written is on disk when this returns `committed`. */
  transact<T>(work: (write: ProjectionWriter) => T): Stored<T>;
  /** The next entries behind `id`, in order, at most `limit`. */
  readAfter(id: number, limit: number): Entry[];
  /** The newest entries, oldest first, at most `limit`. */
  readNewest(limit: number): Entry[];
  /** Accounts that began behind the one with this id, in order, and have not ended. */
  readAccountsAfter(id: number): Account[];
  /** What the account has been shown everything up to; 0 for nothing yet. */
  readSeen(account: number): number;
  /** What the account used the key for, if it did and has not been forgotten. */
  findKey(account: number, key: string): KeyUse | undefined;
  /** Removes what has become too old, all of it or nothing. */
  forget(forgettable: Forgettable): Forgotten;
  /** Why what is committed would not be found at the next start, such as that the file was deleted; undefined if it would be. */
  misplaced(): string | undefined;
  /** Keeps the write-ahead log from growing on while somebody reads all the time. Call it now and then. */
  boundWal(): void;
  /** The accounts and rooms as of the newest entry. */
  load(): Directory;
  /**
   * Opens the database again, as after a failed commit, and makes sure that all that is in it is on disk. Throws if
   * that fails too: then nothing else may be called before a later call has succeeded.
   */
  reopen(): void;
  close(): void;
}
