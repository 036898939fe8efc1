/**
 * Entries: messages, joins and leaves, in one total order for the whole server. `kinds/table.ts` lists the kinds.
 *
 * A draft is an entry without an id. The projection assigns the id when it stores the entry.
 */

import type { Origin } from './intent.ts';
import type { ENTRIES } from './kinds/table.ts';

/** The fields of all entries. */
export interface Authored {
  /** Id and name of the account that wrote the message, joined or left. */
  readonly account: number;
  readonly user: string;
  readonly origin: Origin | null;
  /** The id of the entry that this one refers to. */
  readonly about?: number;
  /** A small value whose meaning depends on the kind. */
  readonly data?: string;
}

/** An entry of a room. In a draft, the room's id is 0 if the entry creates the room. */
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
  /** A safe integer, strictly increasing: microseconds since 1970, or the last id + 1 if that is larger. */
  readonly id: number;
  /** The wall clock at the commit, in milliseconds since 1970. May be smaller than that of the previous entry. */
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
