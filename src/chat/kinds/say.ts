/** Messages to a room or to a person. */

import type { Authored, Committed, InRoom, ToPeer } from '../entry.ts';
import type { AccountIntent } from '../intent.ts';
import { isRoomName } from '../names.ts';
import { type ChatState, type Decision, refused, singleChange } from '../state.ts';
import { common, type EntryKind, inRoom, toPeer } from './entry-kind.ts';

/** Sends a message to a room or to a person. `key` makes it safe to repeat. */
export interface SayIntent extends AccountIntent {
  readonly kind: 'say';
  readonly to: string;
  readonly text: string;
  readonly key: string | null;
}

interface Message extends Authored, Committed {
  readonly text: string;
  readonly key: string | null;
}

interface RoomMessage extends Message, InRoom {
  readonly kind: 'message';
}

interface DirectMessage extends Message, ToPeer {
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

/** Checks for a repeat first, because the answer to a repeat must not depend on later changes. */
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
    return singleChange({
      kind: 'message',
      account,
      user,
      room: room.id,
      roomName: room.name,
      text,
      key,
      origin,
    });
  }
  const peer = directory.account(to);
  if (peer === undefined) return refused('no_such_user');
  return singleChange({
    kind: 'direct',
    account,
    user,
    peer: peer.id,
    peerName: peer.name,
    text,
    key,
    origin,
  });
}
