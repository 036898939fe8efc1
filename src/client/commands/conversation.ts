/** Which room or person a typed name means, and which one was probably meant when there is none. */

import { foldName, isUserName } from '../../chat/names.ts';
import { nearest } from '../../common/did-you-mean.ts';
import { readHistoryPage, readUserPage } from '../reader/server-frame.ts';
import type { Asker } from './command-results.ts';
import { isExplicit, plainName } from './conversation-name.ts';

export type Found =
  /** As the server spells it, as far as that is known. */
  | { readonly type: 'found'; readonly name: string }
  | { readonly type: 'refused'; readonly code: string; readonly text: string };

/** To look at: a room that the person is in, or else a person. Whether there is one, the server says. */
export function findConversation({ session, names }: Asker, typed: string): string {
  if (typed.startsWith('#')) return session.room(typed) ?? typed;
  const name = plainName(typed);
  return (typed === name ? session.room(`#${name}`) : undefined) ?? names.people.find(name) ?? name;
}

/** To talk to from now on: as `findConversation`, and it exists. The prompt shows which it is before anything is sent there. */
export async function findCurrent(asker: Asker, typed: string): Promise<Found> {
  const name = findConversation(asker, typed);
  if (!name.startsWith('#')) {
    const person = await findPerson(asker, name);
    return person === null ? refuseNobody(asker, name) : { type: 'found', name: person ?? name };
  }
  if (asker.session.room(name) !== undefined) return { type: 'found', name };
  const meant = asker.names.rooms.find(name) === undefined ? suggest(asker, name) : '';
  const hint = meant === '' ? `: /join ${name} joins it` : meant;
  return { type: 'refused', code: 'not_a_member', text: `you are not in ${name}${hint}` };
}

/**
 * Whom a message is for that is sent at once. What is meant for a person must not end up in a room, so where both have the name
 * nothing is sent. Asks the server only if there is such a room.
 */
export async function findRecipient(asker: Asker, typed: string): Promise<Found> {
  const room = isExplicit(typed) ? undefined : asker.session.room(`#${typed}`);
  if (room === undefined) return { type: 'found', name: plainName(typed) };
  if ((await findPerson(asker, typed)) === null) return { type: 'found', name: room };
  const text = `${typed} may be a person or your room ${room}: type @${typed} or ${room}`;
  return { type: 'refused', code: 'bad_name', text };
}

/** `: did you mean NAME?`, or nothing. For the end of an error. */
export function suggest({ session, names }: Asker, typed: string): string {
  const isRoom = typed.startsWith('#');
  const people = isRoom ? [] : names.people.startingWith('');
  const rooms = [...session.rooms, ...(isRoom ? names.rooms.startingWith('') : [])];
  const candidates = new Map<string, string>();
  for (const name of typed.startsWith('@') ? people : [...people, ...rooms])
    candidates.set(foldWord(name), name);
  candidates.delete(foldWord(typed));
  const meant = candidates.get(nearest(foldWord(typed), candidates.keys()) ?? '');
  return meant === undefined ? '' : `: did you mean ${meant}?`;
}

/** The name without `#` or `@`, as it is looked up. */
function foldWord(name: string): string {
  return foldName(name).replace(/^[#@]/, '');
}

async function refuseNobody(asker: Asker, name: string): Promise<Found> {
  const text = `there is no user ${name}, and you are in no room #${name}`;
  const members = await asker.session.request('who', `#${name}`);
  const hint = members.type === 'ok' ? `: /join ${name} joins it` : suggest(asker, name);
  return { type: 'refused', code: 'no_such_user', text: `${text}${hint}` };
}

/** The name as it was registered; null if nobody has it, undefined if that cannot be told now. */
async function findPerson({ session, names }: Asker, name: string): Promise<string | null | undefined> {
  const isSame = (other: string): boolean => foldName(other) === foldName(name);
  if (isSame(session.user)) return session.user;
  const met = names.people.find(name);
  if (met !== undefined) return met;
  const history = await session.request('history', name, null, 1);
  if (history.type === 'error') return history.code === 'no_such_user' ? null : undefined;
  if (history.type !== 'ok') return undefined;
  const [message] = readHistoryPage(history.result, null)?.[0] ?? [];
  if (message !== undefined) return [message[2], message[3]].find(isSame);
  // Lists begin behind a name: the person comes first, or soon.
  const before = name.slice(0, -1);
  const online = await session.request('who', null, isUserName(before) ? before : null);
  const page = online.type === 'ok' ? readUserPage(online.result) : undefined;
  return page?.[0].map(([other]) => other).find(isSame);
}
