/** The definition of a kind of entry: how it is stored and read, and what it changes in memory. */

import type { Directory } from '../directory.ts';
import type { Authored, Committed, InRoom, ToPeer } from '../entry.ts';
import type { Journal } from '../journal.ts';

/** An entry as it is stored. Its conversation is a room, or a pair of accounts if `peer` is not null. */
export interface StoredEntry extends Committed {
  /** The code of its kind. */
  readonly code: number;
  readonly account: number;
  readonly user: string;
  readonly origin: Authored['origin'];
  readonly conversation: number;
  readonly roomName: string | null;
  readonly peer: number | null;
  readonly peerName: string | null;
  readonly text: string | null;
  readonly key: string | null;
  readonly about: number | null;
  readonly data: string | null;
}

/**
 * `E`: the committed entry. The projection stores these fields of a draft: `room` or `peer`, and `text`, `key`, `about` and
 * `data` if it has them.
 */
export interface EntryKind<E extends Authored & Committed & (InRoom | ToPeer)> {
  /** Identifies the kind in the database. Must never change. A kind of rooms and a kind of pairs may share a code. */
  readonly code: number;
  readonly place: 'room' | 'pair';
  /** Set if the author's membership in the room begins or ends with the entry. */
  readonly membership?: 'begins' | 'ends';
  read(stored: StoredEntry): E;
  /** Changes the state in memory, and adds the reverse to the journal. */
  readonly apply?: (directory: Directory, entry: E, journal: Journal) => void;
}

/** The fields that all kinds have. */
export function common({ id, at, account, user, origin }: StoredEntry): Authored & Committed {
  return { id, at, account, user, origin };
}

export function inRoom({ conversation, roomName }: StoredEntry): InRoom {
  return { room: conversation, roomName: roomName ?? '' };
}

export function toPeer({ peer, peerName }: StoredEntry): ToPeer {
  return { peer: peer ?? 0, peerName: peerName ?? '' };
}
