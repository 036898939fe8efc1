/** Drafts of entries, and writing them to a projection as a batch of the log does, without deciding anything. */

import type { Account } from '../../src/chat/directory.ts';
import type { Draft, Entry } from '../../src/chat/entry.ts';
import type { NewAccount, Projection, Stored } from '../../src/chat/projection.ts';

/** An account or a room. A new room has the id 0. */
export interface Named {
  readonly id: number;
  readonly name: string;
}

const by = ({ id, name }: Named) => ({ account: id, user: name, origin: null });
const inRoom = ({ id, name }: Named) => ({ room: id, roomName: name });

export const say = (author: Named, room: Named, text = 'x', key: string | null = null) =>
  ({ kind: 'message', ...by(author), ...inRoom(room), text, key }) as const;
export const tell = (author: Named, peer: Named, text = 'x', key: string | null = null) =>
  ({ kind: 'direct', ...by(author), peer: peer.id, peerName: peer.name, text, key }) as const;
export const join = (who: Named, room: Named) => ({ kind: 'joined', ...by(who), ...inRoom(room) }) as const;
export const leave = (who: Named, room: Named) => ({ kind: 'left', ...by(who), ...inRoom(room) }) as const;

export interface Changes {
  readonly accounts?: readonly NewAccount[];
  readonly drafts?: readonly Draft[];
  readonly retired?: readonly Account[];
}

export interface Written {
  readonly accounts: readonly Account[];
  readonly entries: readonly Entry[];
}

/** One transaction. `at`: the wall clock time for all of it. */
export function tryAppend(projection: Projection, changes: Changes, at = Date.now()): Stored<Written> {
  const { accounts = [], drafts = [], retired = [] } = changes;
  return projection.transact((write) => {
    const begun = accounts.map((account) => write.begin(account));
    const entries = drafts.map((draft) => write.entry(draft, at));
    for (const account of retired) write.end(account);
    return { accounts: begun, entries };
  });
}

/** Like `tryAppend`; throws if it cannot be stored. */
export function append(projection: Projection, changes: Changes, at?: number): Written {
  const stored = tryAppend(projection, changes, at);
  if (stored.type !== 'committed') throw new Error(`the projection could not be written: ${stored.type}`);
  return stored.value;
}
