/** Messages, to a room or to a person. */

import type { Authored, Committed, InRoom, ToPeer } from '../entry.ts';
import type { Asked } from '../intent.ts';
import { isRoomName } from '../names.ts';
import { type ChatState, type Decision, one, refused } from '../state.ts';
import { common, type EntryKind, inRoom, toPeer } from './entry-kind.ts';

/** A message to a person or to a room. `key` makes it safe to repeat. */
export interface SayIntent extends Asked {
  readonly kind: 'say';
  readonly to: string;
  readonly text: string;
  readonly key: string | null;
}

interface Said extends Authored, Committed {
  readonly text: string;
  readonly key: string | null;
}

interface RoomMessage extends Said, InRoom {
  readonly kind: 'message';
}

interface DirectMessage extends Said, ToPeer {
  readonly kind: 'direct';
}

export const MESSAGE: EntryKind<RoomMessage> = {
  code: 0,
  place: 'room',
  read: (stored) => ({
    kind: 'message',
    ...common(stored),
    ...inRoom(stored),
    text: stored.text ?? '',
    key: stored.key,
  }),
};

export const DIRECT: EntryKind<DirectMessage> = {
  code: 0,
  place: 'pair',
  read: (stored) => ({
    kind: 'direct',
    ...common(stored),
    ...toPeer(stored),
    text: stored.text ?? '',
    key: stored.key,
  }),
};

/** A repeat is answered first, because its answer does not depend on what has changed since. */
export function decideSay(state: ChatState, intent: SayIntent): Decision {
  const { account, user, to, text, key, origin } = intent;
  if (key !== null) {
    const use = state.findKey(account, key);
    if (use !== undefined) {
      return use.isSame(to, text) ? { type: 'repeated', id: use.id, at: use.at } : refused('key_reused');
    }
  }
  const { directory } = state;
  if (directory.account(user)?.id !== account) return refused('not_logged_in');
  if (isRoomName(to)) {
    const room = directory.room(to);
    if (room === undefined) return refused('no_such_room');
    if (!room.members.has(account)) return refused('not_a_member');
    return one({ kind: 'message', account, user, room: room.id, roomName: room.name, text, key, origin });
  }
  const peer = directory.account(to);
  if (peer === undefined) return refused('no_such_user');
  return one({ kind: 'direct', account, user, peer: peer.id, peerName: peer.name, text, key, origin });
}
