/** `/join`, `/leave`, `/who` and `/rooms`. */

import { optionalRoom, room } from '../../protocol/arguments.ts';
import { readJoined, readLeft, readRoomPage, readUserPage } from '../reader/server-frame.ts';
import { parameter, request } from './command.ts';
import { type Asker, distrust, explainFailure } from './command-results.ts';
import { describeRooms, describeUsers, type Fetched, fetchList, type User } from './lists.ts';
import { done, type Result } from './result.ts';

export const join = request(
  {
    name: 'join',
    verb: 'join',
    aliases: ['j'],
    summary: 'join a room, and make it the current conversation',
    details: ['The room is made if it does not exist. The "#" may be left out.'],
  },
  [parameter(room, 'ROOM', 'rooms')],
  ([name]) => [name],
  async (asker, [name], answer) => {
    const joined = readJoined(answer);
    if (joined === undefined) return distrust(asker, 'join');
    const { id } = joined;
    asker.session.joined(asker.names.rooms.find(name) ?? name);
    asker.names.rooms.add(asker.session.room(name) ?? name);
    const members = await fetchUsers(asker, name, joined.members);
    if (members.type !== 'list') return report(asker, 'join', members);
    const lines = [id === null ? `you are in ${name} already` : `joined ${name}`];
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
    details: ['Without ROOM it is the current conversation. The "#" may be left out.'],
  },
  [parameter(optionalRoom, '[ROOM]', 'rooms')],
  ([name], { current }) => {
    const left = name ?? current;
    if (left?.startsWith('#')) return [left];
    return {
      type: 'refused',
      of: 'leave',
      text: 'the current conversation is not a room: type /leave ROOM',
    };
  },
  (asker, [name], answer) => {
    const left = readLeft(answer);
    if (left === undefined) return distrust(asker, 'leave');
    asker.session.left(name);
    return done('leave', [`left ${name}`], { room: name, id: left.id });
  },
);

export const who = request(
  { name: 'who', verb: 'who', summary: 'list the people who are online, or the members of a room' },
  [parameter(optionalRoom, '[ROOM]', 'rooms')],
  ([name = null]) => [name, null],
  async (asker, [name = null], answer) => {
    const users = await fetchUsers(asker, name, answer);
    if (users.type !== 'list') return report(asker, 'who', users);
    const data = { room: name, users: users.items.map(toUser), complete: users.isComplete };
    return done('who', describeUsers(name, users.items), data);
  },
);

export const rooms = request(
  { name: 'rooms', verb: 'rooms', summary: 'list the rooms' },
  [],
  () => [null],
  async (asker, _, answer) => {
    const list = await fetchList(answer, readRoomPage, (after) => asker.session.request('rooms', after));
    if (list.type !== 'list') return report(asker, 'rooms', list);
    for (const [name] of list.items) asker.names.rooms.add(name);
    const items = list.items.map(([name, members]) => ({ name, members }));
    return done('rooms', describeRooms(list.items), { rooms: items, complete: list.isComplete });
  },
);

async function fetchUsers(asker: Asker, of: string | null, firstPage: unknown): Promise<Fetched<User>> {
  const users = await fetchList(firstPage, readUserPage, (after) => asker.session.request('who', of, after));
  if (users.type === 'list') for (const [name] of users.items) asker.names.people.add(name);
  return users;
}

function report(asker: Asker, of: string, failure: Exclude<Fetched<unknown>, { type: 'list' }>): Result {
  return failure.type === 'malformed' ? distrust(asker, of) : explainFailure(of, failure);
}

function toUser([name, online]: User) {
  return { name, online };
}
