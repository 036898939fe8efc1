/** Who joins and leaves which room. */

import { LIMITS } from '../../protocol/vocabulary.ts';
import type { Directory } from '../directory.ts';
import type { MembershipChange } from '../entry.ts';
import type { JoinIntent, LeaveIntent } from '../intent.ts';
import type { Journal } from '../journal.ts';
import { type ChatState, type Decision, one, refused, UNCHANGED } from '../state.ts';

export function decideJoin({ directory }: ChatState, intent: JoinIntent): Decision {
  const { account: id, user, room: name, origin } = intent;
  const account = directory.account(user);
  if (account?.id !== id) return refused('not_logged_in');
  const room = directory.room(name);
  if (room?.members.has(id)) return UNCHANGED;
  if (directory.roomsOf(account).size >= LIMITS.roomsPerAccount) return refused('too_many_rooms');
  return one({
    kind: 'joined',
    account: id,
    user,
    room: room?.id ?? 0,
    roomName: room?.name ?? name,
    origin,
  });
}

export function decideLeave({ directory }: ChatState, intent: LeaveIntent): Decision {
  const { account: id, user, room: name, origin } = intent;
  if (directory.account(user)?.id !== id) return refused('not_logged_in');
  const room = directory.room(name);
  if (room === undefined) return refused('no_such_room');
  if (!room.members.has(id)) return refused('not_a_member');
  return one({ kind: 'left', account: id, user, room: room.id, roomName: room.name, origin });
}

/** Of an account that is not in the dictionary nothing is kept in memory. */
export function applyMembership(directory: Directory, change: MembershipChange, journal: Journal): void {
  if (change.kind === 'joined') {
    const account = directory.account(change.user);
    if (account?.id !== change.account) return;
    const room = directory.room(change.roomName) ?? directory.addRoom(change.room, change.roomName);
    directory.addMember(room, account, change.id);
    journal.push(() => directory.removeMember(room, account));
  } else {
    // By its id: somebody else may have its name by now.
    const room = directory.room(change.roomName);
    const account = room?.members.get(change.account);
    const since = room && account && directory.roomsOf(account).get(room);
    if (room === undefined || account === undefined || since === undefined) return;
    directory.removeMember(room, account);
    journal.push(() => directory.restoreMember(room, account, since));
  }
}
