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
}

/**
 * What became of a batch, which is committed whole or not at all.
 * `storage_full`: not stored. `storage_failed`: not known; the log must be reopened before it is used again.
 */
export type Appended =
  | { readonly type: 'committed'; readonly accounts: readonly Account[]; readonly entries: readonly Entry[] }
  | { readonly type: 'storage_full' }
  | { readonly type: 'storage_failed'; readonly error: Error };

/** What a key was used for before. */
export interface KeyUse {
  readonly id: number;
  /** True if it was this very message. */
  isSame(to: string, text: string): boolean;
}

export interface MessageLog {
  /** The id of the newest entry; 0 in an empty log. */
  readonly lastId: number;
  /** Commits a batch. What is in it is on disk when this returns `committed`. */
  append(batch: Batch): Appended;
  /** The next entries behind `id`, in order, at most `limit`. */
  readAfter(id: number, limit: number): Entry[];
  /** What the account used the key for, if it did and has not been forgotten. */
  findKey(account: number, key: string): KeyUse | undefined;
  /** Forgets keys of entries up to `id`, a bounded number a call; none while the disk does not let it. */
  forgetKeys(id: number): void;
  /** The accounts and rooms as of the newest entry. */
  load(): Directory;
  /** Closes and opens the database again, as after a failed commit. Throws if that fails too. */
  reopen(): void;
  close(): void;
}
