/** Joining and leaving rooms. */

import type { Directory } from '../directory.ts';
import type { Authored, Committed, InRoom } from '../entry.ts';
import type { AccountIntent } from '../intent.ts';
import type { Journal } from '../journal.ts';
import {
  type ChatState,
  type Decision,
  ROOMS_PER_ACCOUNT,
  refused,
  singleChange,
  UNCHANGED,
} from '../state.ts';
import { common, type EntryKind, inRoom } from './entry-kind.ts';

export interface JoinIntent extends AccountIntent {
  readonly kind: 'join';
  readonly room: string;
}

export interface LeaveIntent extends AccountIntent {
  readonly kind: 'leave';
  readonly room: string;
}

interface Joined extends Authored, Committed, InRoom {
  readonly kind: 'joined';
}

interface Left extends Authored, Committed, InRoom {
  readonly kind: 'left';
}

export const JOINED: EntryKind<Joined> = {
  code: 1,
  place: 'room',
  membership: 'begins',
  read: (stored) => ({ kind: 'joined', ...common(stored), ...inRoom(stored) }),
  apply: applyJoined,
};

export const LEFT: EntryKind<Left> = {
  code: 2,
  place: 'room',
  membership: 'ends',
  read: (stored) => ({ kind: 'left', ...common(stored), ...inRoom(stored) }),
  apply: applyLeft,
};

export function decideJoin({ directory }: ChatState, intent: JoinIntent): Decision {
  const { account: id, user, room: name, origin } = intent;
  const account = directory.account(user);
  if (account?.id !== id) return refused('not_logged_in');
  const room = directory.room(name);
  if (room?.members.has(id)) return UNCHANGED;
  if (directory.roomsOf(account).size >= ROOMS_PER_ACCOUNT) return refused('too_many_rooms');
  return singleChange({
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
  return singleChange({ kind: 'left', account: id, user, room: room.id, roomName: room.name, origin });
}

/** Ignores accounts that are not in the directory. */
function applyJoined(directory: Directory, joined: Joined, journal: Journal): void {
  const account = directory.account(joined.user);
  if (account?.id !== joined.account) return;
  const room = directory.room(joined.roomName) ?? directory.addRoom(joined.room, joined.roomName);
  directory.addMember(room, account, joined.id);
  journal.push(() => directory.removeMember(room, account));
}

/** Finds the account by its id, because another account may have its name by now. */
function applyLeft(directory: Directory, left: Left, journal: Journal): void {
  const room = directory.room(left.roomName);
  const account = room?.members.get(left.account);
  const since = room && account && directory.roomsOf(account).get(room);
  if (room === undefined || account === undefined || since === undefined) return;
  directory.removeMember(room, account);
  journal.push(() => directory.restoreMember(room, account, since));
}
