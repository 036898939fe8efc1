/** How the log is read back: what an account may see of it, in pages. */

import type { Entry } from '../chat/entry.ts';

/** An account sees a conversation from one id to the other, both included. */
export interface Interval {
  readonly conversation: number;
  readonly from: number;
  readonly to: number;
}

export interface ReplayPage {
  readonly entries: readonly Entry[];
  /** Everything that the account may see up to this id is in this page or in an earlier one. */
  readonly through: number;
  /** True when `through` was the end of the log. */
  readonly isLast: boolean;
}

export interface HistoryPage {
  readonly messages: readonly Entry[];
  /** True when nothing older is left. */
  readonly isLast: boolean;
}

/** A conversation that somebody asks for by its name. */
export type Found =
  | { readonly type: 'found'; readonly intervals: readonly Interval[] }
  | { readonly type: 'refused'; readonly code: 'no_such_user' | 'no_such_room' | 'not_a_member' };

/** A store on this machine answers at once, a distant one later. */
export type Awaitable<T> = T | Promise<T>;

/** Every read throws or rejects with a `StorageFailure` while the store cannot be read, and works again afterwards. */
export interface ArchiveStore {
  /** The newest id; 0 in an empty log. */
  readonly lastId: Awaitable<number>;
  /** Everything that the account sees, in all conversations. */
  intervals(account: number): Awaitable<readonly Interval[]>;
  /** What the account sees of a room, or of its conversation with a person, by the name at present. */
  find(account: number, name: string): Awaitable<Found>;
  /** The next entries after `after` that the account sees, oldest first: at most `limit`, and about `bytes`. */
  replay(account: number, after: number, limit: number, bytes: number): Awaitable<ReplayPage>;
  /** Messages of these intervals below `before`, newest first: at most `limit`, and about `bytes`. */
  history(
    intervals: readonly Interval[],
    before: number,
    limit: number,
    bytes: number,
  ): Awaitable<HistoryPage>;
  /** The entries with these ids, oldest first. */
  read(ids: readonly number[]): Awaitable<readonly Entry[]>;
}

/** A text for the search index. `at`: in milliseconds since 1970. */
export interface IndexRow {
  readonly id: number;
  readonly at: number;
  readonly conversation: number;
  readonly text: string;
}

/** What the search index is filled from. It is always on this machine; reads throw a `StorageFailure` as above. */
export interface TextSource {
  readonly lastId: number;
  /** The oldest id that has not been removed; 0 in an empty log. */
  readonly firstId: number;
  /** How many entries there are after `after`, up to `last`. */
  count(after: number, last: number): number;
  /** Texts of the next entries after `after`, and how far that reaches in the log. */
  textsAfter(after: number, limit: number): { readonly texts: readonly IndexRow[]; readonly through: number };
}
