/**
 * Entries of the message log: what was said, and who joined and left where. One total order for everybody.
 *
 * A draft is an entry that has no id yet; the log gives it one when it commits it.
 */

import type { Origin } from './intent.ts';

interface Authored {
  /** Id and name of the account that said it, joined, or left. */
  readonly account: number;
  readonly user: string;
  readonly origin: Origin | null;
}

export interface RoomMessageDraft extends Authored {
  readonly kind: 'message';
  readonly room: number;
  readonly roomName: string;
  readonly text: string;
  readonly key: string | null;
}

export interface DirectMessageDraft extends Authored {
  readonly kind: 'direct';
  readonly peer: number;
  readonly peerName: string;
  readonly text: string;
  readonly key: string | null;
}

/** The room's id is 0 for the first who joins a room that was never there. */
export interface MembershipDraft extends Authored {
  readonly kind: 'joined' | 'left';
  readonly room: number;
  readonly roomName: string;
}

export type Draft = RoomMessageDraft | DirectMessageDraft | MembershipDraft;

interface Committed {
  /** Microseconds since 1970, or the last id + 1 if that is larger; strictly increasing, a safe integer. */
  readonly id: number;
  /** The wall clock at the commit, in milliseconds since 1970. It may have been set back since the entry before. */
  readonly at: number;
}

export type RoomMessage = RoomMessageDraft & Committed;
export type DirectMessage = DirectMessageDraft & Committed;
export type MembershipChange = MembershipDraft & Committed;
export type Entry = RoomMessage | DirectMessage | MembershipChange;
