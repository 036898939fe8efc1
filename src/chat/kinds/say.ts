/** Messages, to a room or to a person. */

import type { SayIntent } from '../intent.ts';
import { isRoomName } from '../names.ts';
import { type ChatState, type Decision, one, refused } from '../state.ts';

/** A repeat is answered before anything else is looked at: its answer does not depend on what has changed since. */
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
