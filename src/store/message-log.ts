/**
 * The message log as the registry sees it: append in, committed out. On one machine it is SQLite.
 */

import type { Account, Directory } from '../chat/directory.ts';
import type { Draft, Entry } from '../chat/entry.ts';

/**
 * What became of a batch, which is committed whole or not at all.
 * `storage_full`: not stored. `storage_failed`: not known; the log must be reopened before it is used again.
 */
export type Appended =
  | { readonly type: 'committed'; readonly entries: readonly Entry[] }
  | { readonly type: 'storage_full' }
  | { readonly type: 'storage_failed'; readonly error: Error };

export type Stored<T> =
  | { readonly type: 'stored'; readonly value: T }
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
  /** Commits the drafts in their order. An entry is on disk when this returns `committed`. */
  append(drafts: readonly Draft[]): Appended;
  /** The next entries behind `id`, in order, at most `limit`. */
  readAfter(id: number, limit: number): Entry[];
  /** What the account used the key for, if it did and has not been forgotten. */
  findKey(account: number, key: string): KeyUse | undefined;
  /** Forgets keys of entries up to `id`, a bounded number a call. */
  forgetKeys(id: number): void;
  /** The accounts and rooms as of the newest entry. */
  load(): Directory;
  /** Gives accounts that are not yet known their ids, which are never used again. */
  addAccounts(accounts: ReadonlyArray<{ name: string; since: string; guest: boolean }>): Stored<Account[]>;
  /** When the account was registered, as it was told to `addAccounts`. */
  since(account: Account): string;
  /** Ends an account: its name is free, its id is never used again. */
  retireAccount(account: Account): Stored<void>;
  /** Closes and opens the database again, as after a failed commit. Throws if that fails too. */
  reopen(): void;
  close(): void;
}
