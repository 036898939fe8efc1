/**
 * Entries of the message log: what was said, and who joined and left where, in one total order for everybody.
 *
 * A draft is an entry that has no id yet; the log gives it one when it commits it. `kinds/table.ts` lists the kinds.
 */

import type { Origin } from './intent.ts';
import type { ENTRIES } from './kinds/table.ts';

/** What all entries have in common. */
export interface Authored {
  /** Id and name of the account that said it, joined, or left. */
  readonly account: number;
  readonly user: string;
  readonly origin: Origin | null;
  /** The id of the entry that this one concerns. */
  readonly about?: number;
  /** A small value whose meaning depends on the kind. */
  readonly data?: string;
}

/** An entry of a room. The room's id is 0 for the first who joins a room that never existed. */
export interface InRoom {
  readonly room: number;
  readonly roomName: string;
}

/** An entry between two accounts. */
export interface ToPeer {
  readonly peer: number;
  readonly peerName: string;
}

export interface Committed {
  /** Microseconds since 1970, or the last id + 1 if that is larger; strictly increasing, a safe integer. */
  readonly id: number;
  /** The wall clock at the commit, in milliseconds since 1970. It may have been set back since the previous entry. */
  readonly at: number;
}

type Kinds = typeof ENTRIES;
type CommittedOf<Kind extends keyof Kinds> = ReturnType<Kinds[Kind]['read']>;

export type Entry = CommittedOf<keyof Kinds>;
export type RoomMessage = CommittedOf<'message'>;
export type DirectMessage = CommittedOf<'direct'>;
export type MembershipChange = CommittedOf<'joined' | 'left'>;

type WithoutId<E> = E extends unknown ? Omit<E, keyof Committed> : never;
export type Draft = WithoutId<Entry>;
