/** What the server's answers to typed commands mean: results for people and for `--json`. */

import type { KnownNames } from '../reader/known-names.ts';
import type { ReaderLink } from '../reader/reader-link.ts';
import { readJoined, readLeft, readRoomPage, readUserPage } from '../reader/server-frame.ts';
import type { Response } from '../session/requests.ts';
import type { Session } from '../session/session.ts';
import { suggest } from './conversation.ts';
import { describeRooms, describeUsers, type Fetched, fetchList, type User } from './lists.ts';
import { done, type Result, refused } from './result.ts';
import type { RemotePlan } from './typed-command.ts';

/** Who asked, and what an answer changes. */
export interface Asker {
  readonly session: Session;
  readonly readerLink: ReaderLink;
  readonly names: KnownNames;
}

/** The result of a request, given its answer; asks for the further pages of a list. */
export function conclude(
  asker: Asker,
  plan: Exclude<RemotePlan, { type: 'send' }>,
  response: Response,
): Promise<Result> | Result {
  if (response.type !== 'ok') return suggestAnother(asker, plan, explainFailure(plan.type, response));
  switch (plan.type) {
    case 'join':
      return concludeJoin(asker, plan.room, response.result);
    case 'leave':
      return concludeLeave(asker, plan.room, response.result);
    case 'who':
      return concludeWho(asker, plan.room, response);
    case 'rooms':
      return concludeRooms(asker, response);
    default:
      return plan satisfies never;
  }
}

/** Names the room that was probably meant. */
function suggestAnother(asker: Asker, plan: Exclude<RemotePlan, { type: 'send' }>, result: Result): Result {
  if (result.ok || plan.type === 'rooms' || plan.room === null || !isAboutName(result.code)) return result;
  return { ...result, text: result.text + suggest(asker, plan.room) };
}

/** True for a refusal whose reason is the name of a room or a person. */
export function isAboutName(code: string): boolean {
  return code === 'no_such_room' || code === 'no_such_user' || code === 'not_a_member';
}

export function explainFailure(
  of: string,
  failure: Exclude<Response, { type: 'ok' }> | { readonly type: 'malformed' },
): Result {
  switch (failure.type) {
    case 'error':
      return refused(of, failure.code, failure.text);
    case 'lost':
      return refused(of, 'lost', 'the connection was lost before the server answered: look, and try again');
    case 'malformed':
      return refused(of, 'failed', 'the server gave an answer that the protocol does not allow');
    default:
      return failure satisfies never;
  }
}

async function concludeJoin(asker: Asker, room: string, result: unknown): Promise<Result> {
  const joined = readJoined(result);
  if (joined === undefined) return distrust(asker, 'join');
  const { id } = joined;
  asker.session.joined(asker.names.rooms.find(room) ?? room);
  asker.names.rooms.add(asker.session.room(room) ?? room);
  const members = await fetchUsers(asker, room, { type: 'ok', result: joined.members });
  if (members.type !== 'list') return report(asker, 'join', members);
  const lines = [id === null ? `you are in ${room} already` : `joined ${room}`];
  return done('join', [...lines, ...describeUsers(room, members.items)], {
    room,
    id,
    users: members.items.map(toUser),
  });
}

function concludeLeave(asker: Asker, room: string, result: unknown): Result {
  const left = readLeft(result);
  if (left === undefined) return distrust(asker, 'leave');
  asker.session.left(room);
  return done('leave', [`left ${room}`], { room, id: left.id });
}

async function concludeWho(asker: Asker, room: string | null, first: Response): Promise<Result> {
  const users = await fetchUsers(asker, room, first);
  if (users.type !== 'list') return report(asker, 'who', users);
  const data = { room, users: users.items.map(toUser), complete: users.isComplete };
  return done('who', describeUsers(room, users.items), data);
}

async function concludeRooms(asker: Asker, first: Response): Promise<Result> {
  const rooms = await fetchList(first, readRoomPage, (after) => asker.session.request('rooms', after));
  if (rooms.type !== 'list') return report(asker, 'rooms', rooms);
  for (const [name] of rooms.items) asker.names.rooms.add(name);
  const items = rooms.items.map(([name, members]) => ({ name, members }));
  return done('rooms', describeRooms(rooms.items), { rooms: items, complete: rooms.isComplete });
}

async function fetchUsers(asker: Asker, room: string | null, first: Response): Promise<Fetched<User>> {
  const users = await fetchList(first, readUserPage, (after) => asker.session.request('who', room, after));
  if (users.type === 'list') for (const [name] of users.items) asker.names.people.add(name);
  return users;
}

function report(asker: Asker, of: string, failure: Exclude<Fetched<unknown>, { type: 'list' }>): Result {
  return failure.type === 'malformed' ? distrust(asker, of) : explainFailure(of, failure);
}

/** An answer of the wrong shape: nothing else on this connection can be relied on. */
export function distrust(asker: Asker, of: string): Result {
  asker.session.protocolError();
  return explainFailure(of, { type: 'malformed' });
}

function toUser([name, online]: User) {
  return { name, online };
}
