/**
 * The database of a fold: writes in one transaction, and the reads that load and repair the state in memory. `src/store`
 * implements it with SQLite.
 */

import type { Account, Directory } from './directory.ts';
import type { Draft, Entry } from './entry.ts';
import type { KeyUse } from './state.ts';

export interface NewAccount {
  readonly name: string;
  readonly guest: boolean;
}

/** Writes within a transaction. Later reads of the projection see them. */
export interface ProjectionWriter {
  /** Stores an entry under the next id. `at`: the wall clock when its batch was committed, in milliseconds since 1970. */
  entry(draft: Draft, at: number): Entry;
  begin(account: NewAccount): Account;
  /** Ends the account and frees its name. Its id is never reused. */
  end(account: Account): void;
  /** Sets the account's `seen` mark. Marks never go back. */
  mark(account: number, id: number): void;
  /** Sets the position up to which the log has been applied. */
  moveTo(position: number): void;
}

/**
 * The result of a transaction, which is stored completely or not at all. `storage_full`: it was not stored.
 * `storage_failed`: it is unknown whether it was stored, and the projection must be reopened.
 */
export type Stored<T> =
  | { readonly type: 'committed'; readonly value: T }
  | { readonly type: 'storage_full' }
  | { readonly type: 'storage_failed'; readonly error: Error };

export type StorageTrouble = Exclude<Stored<unknown>, { readonly type: 'committed' }>;

/** What `prune` removes. Times are in milliseconds since 1970. */
export interface PruneLimits {
  /** The present time, by a clock that has been steady (`SteadyClock.settled`). */
  readonly now: number;
  /** Removes keys of entries from before this time. */
  readonly keysBefore: number;
  /**
   * Removes entries from before this time, except the newest of all, and memberships that ended before the oldest entry.
   * −∞ removes none.
   */
  readonly entriesBefore: number;
  /** Removes at most this many of each. */
  readonly limit: number;
}

/** `isMore`: another call would remove more. */
export type Pruned = { readonly type: 'pruned'; readonly isMore: boolean } | StorageTrouble;

/** The storage could not be read. */
export class StorageFailure extends Error {}

/** Every read throws a `StorageFailure` while the disk fails. */
export interface Projection {
  /** The id of the newest entry; 0 if there is none. */
  readonly lastId: number;
  /** The last position of the log that has been applied; 0 for a log that does not number its batches. */
  readonly position: number;
  /** Runs `work` in one transaction. Everything it wrote is on disk when this returns `committed`. */
  transact<T>(work: (write: ProjectionWriter) => T): Stored<T>;
  /** The next entries after `id`, in order, at most `limit`. */
  readAfter(id: number, limit: number): Entry[];
  /** The newest entries, oldest first, at most `limit`. */
  readNewest(limit: number): Entry[];
  /** The present accounts with ids after this one, in order. */
  readAccountsAfter(id: number): Account[];
  /** The account's `seen` mark; 0 if it has none. */
  readSeen(account: number): number;
  /** The message for which the account used the key, if the key has not been pruned. */
  findKey(account: number, key: string): KeyUse | undefined;
  /** Removes what is too old, in one transaction. */
  prune(limits: PruneLimits): Pruned;
  /** The reason why the next start would not find the committed data, such as a deleted file; undefined if it would. */
  misplaced(): string | undefined;
  /** Empties the write-ahead log if continuous reads have let it grow. Call it every few seconds. */
  boundWal(): void;
  /** The accounts and rooms as of the newest entry. */
  load(): Directory;
  /**
   * Reopens the database after a failed commit, and makes sure that everything in it is on disk. If it throws, call nothing
   * else until a later call has succeeded.
   */
  reopen(): void;
  close(): void;
}
