/** `/join`, `/leave`, `/who` and `/rooms`. */

import { optionalRoom, room } from '../../protocol/arguments.ts';
import { readJoined, readLeft, readRoomPage, readUserPage } from '../reader/server-frame.ts';
import { parameter, request } from './command.ts';
import { type CommandScope, explainFailure, protocolError } from './command-results.ts';
import { describeRooms, describeUsers, type FetchedList, fetchList, type User } from './lists.ts';
import { done, type Result } from './result.ts';

export const join = request(
  {
    name: 'join',
    verb: 'join',
    aliases: ['j'],
    summary: 'join a room, and make it the current conversation',
    details: ['Creates the room if it does not exist. The "#" is optional.'],
  },
  [parameter(room, 'ROOM', 'rooms')],
  ([name]) => [name],
  async (scope, [name], answer) => {
    const joined = readJoined(answer);
    if (joined === undefined) return protocolError(scope, 'join');
    const { id } = joined;
    scope.session.joined(scope.names.rooms.find(name) ?? name);
    scope.names.rooms.add(scope.session.room(name) ?? name);
    const members = await fetchUsers(scope, name, joined.members);
    if (members.type !== 'list') return report(scope, 'join', members);
    const lines = [id === null ? `you are already in ${name}` : `joined ${name}`];
    return done('join', [...lines, ...describeUsers(name, members.items)], {
      room: name,
      id,
      users: members.items.map(toUser),
    });
  },
);

export const leave = request(
  {
    name: 'leave',
    verb: 'leave',
    aliases: ['part'],
    summary: 'leave a room',
    details: ['Without ROOM, leaves the current conversation. The "#" is optional.'],
  },
  [parameter(optionalRoom, '[ROOM]', 'rooms')],
  ([name], { current }) => {
    const left = name ?? current;
    if (left?.startsWith('#')) return [left];
    return {
      type: 'refused',
      of: 'leave',
      text: 'the current conversation is not a room; type /leave ROOM',
    };
  },
  (scope, [name], answer) => {
    const left = readLeft(answer);
    if (left === undefined) return protocolError(scope, 'leave');
    scope.session.left(name);
    return done('leave', [`left ${name}`], { room: name, id: left.id });
  },
);

export const who = request(
  { name: 'who', verb: 'who', summary: 'list the people who are online, or the members of a room' },
  [parameter(optionalRoom, '[ROOM]', 'rooms')],
  ([name = null]) => [name, null],
  async (scope, [name = null], answer) => {
    const users = await fetchUsers(scope, name, answer);
    if (users.type !== 'list') return report(scope, 'who', users);
    const data = { room: name, users: users.items.map(toUser), complete: users.isComplete };
    return done('who', describeUsers(name, users.items), data);
  },
);

export const rooms = request(
  { name: 'rooms', verb: 'rooms', summary: 'list the rooms' },
  [],
  () => [null],
  async (scope, _, answer) => {
    const list = await fetchList(answer, readRoomPage, (after) => scope.session.request('rooms', after));
    if (list.type !== 'list') return report(scope, 'rooms', list);
    for (const [name] of list.items) scope.names.rooms.add(name);
    const items = list.items.map(([name, members]) => ({ name, members }));
    return done('rooms', describeRooms(list.items), { rooms: items, complete: list.isComplete });
  },
);

async function fetchUsers(
  scope: CommandScope,
  of: string | null,
  firstPage: unknown,
): Promise<FetchedList<User>> {
  const users = await fetchList(firstPage, readUserPage, (after) => scope.session.request('who', of, after));
  if (users.type === 'list') for (const [name] of users.items) scope.names.people.add(name);
  return users;
}

function report(
  scope: CommandScope,
  of: string,
  failure: Exclude<FetchedList<unknown>, { type: 'list' }>,
): Result {
  return failure.type === 'malformed' ? protocolError(scope, of) : explainFailure(of, failure);
}

function toUser([name, online]: User) {
  return { name, online };
}
