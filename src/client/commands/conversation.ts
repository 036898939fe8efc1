/** Finds the room or user that a typed name means, or suggests one if there is none. */

import { foldName, isUserName } from '../../chat/names.ts';
import { didYouMean } from '../../common/did-you-mean.ts';
import { readHistoryPage, readUserPage } from '../reader/server-frame.ts';
import type { CommandScope } from './command-results.ts';
import { isExplicit, plainName } from './conversation-name.ts';

export type FoundConversation =
  /** As the server spells it, if known. */
  | { readonly type: 'found'; readonly name: string }
  | { readonly type: 'refused'; readonly code: string; readonly text: string };

/** For reading: a room the user is in, or else a user. The server says whether it exists. */
export function findConversation({ session, names }: CommandScope, typed: string): string {
  if (typed.startsWith('#')) return session.room(typed) ?? typed;
  const name = plainName(typed);
  return (typed === name ? session.room(`#${name}`) : undefined) ?? names.people.find(name) ?? name;
}

/**
 * For the current conversation: as `findConversation`, but it must exist. The prompt shows it before anything is sent
 * there.
 */
export async function findCurrent(scope: CommandScope, typed: string): Promise<FoundConversation> {
  const name = findConversation(scope, typed);
  if (!name.startsWith('#')) {
    const person = await findPerson(scope, name);
    return person === null ? refuseUnknownName(scope, name) : { type: 'found', name: person ?? name };
  }
  if (scope.session.room(name) !== undefined) return { type: 'found', name };
  const meant = scope.names.rooms.find(name) === undefined ? suggest(scope, name) : '';
  const hint = meant === '' ? `; /join ${name} joins it` : meant;
  return { type: 'refused', code: 'not_a_member', text: `you are not in ${name}${hint}` };
}

/**
 * For a message that is sent at once. A message meant for a user must not end up in a room, so if both have the name,
 * nothing is sent. Asks the server only if there is such a room.
 */
export async function findRecipient(scope: CommandScope, typed: string): Promise<FoundConversation> {
  const room = isExplicit(typed) ? undefined : scope.session.room(`#${typed}`);
  if (room === undefined) return { type: 'found', name: plainName(typed) };
  if ((await findPerson(scope, typed)) === null) return { type: 'found', name: room };
  const text = `${typed} may be a person or your room ${room}; type @${typed} or ${room}`;
  return { type: 'refused', code: 'bad_name', text };
}

/** `: did you mean NAME?`, or nothing. For the end of an error. */
export function suggest({ session, names }: CommandScope, typed: string): string {
  const isRoom = typed.startsWith('#');
  const people = isRoom ? [] : names.people.startingWith('');
  const rooms = [...session.rooms, ...(isRoom ? names.rooms.startingWith('') : [])];
  const candidates = new Map<string, string>();
  for (const name of typed.startsWith('@') ? people : [...people, ...rooms])
    candidates.set(foldWord(name), name);
  candidates.delete(foldWord(typed));
  const meant = candidates.get(didYouMean(foldWord(typed), candidates.keys()) ?? '');
  return meant === undefined ? '' : `: did you mean ${meant}?`;
}

/** The name without `#` or `@`, folded for comparison. */
function foldWord(name: string): string {
  return foldName(name).replace(/^[#@]/, '');
}

async function refuseUnknownName(scope: CommandScope, name: string): Promise<FoundConversation> {
  const text = `there is no user ${name}, and you are in no room #${name}`;
  const members = await scope.session.request('who', `#${name}`);
  const hint = members.type === 'ok' ? `; /join ${name} joins it` : suggest(scope, name);
  return { type: 'refused', code: 'no_such_user', text: `${text}${hint}` };
}

/** The name as registered; null if there is no such user, undefined if that is unknown at the moment. */
async function findPerson(
  { session, names }: CommandScope,
  name: string,
): Promise<string | null | undefined> {
  const isSame = (other: string): boolean => foldName(other) === foldName(name);
  if (isSame(session.user)) return session.user;
  const met = names.people.find(name);
  if (met !== undefined) return met;
  const history = await session.request('history', name, null, 1);
  if (history.type === 'error') return history.code === 'no_such_user' ? null : undefined;
  if (history.type !== 'ok') return undefined;
  const [message] = readHistoryPage(history.result, null)?.[0] ?? [];
  if (message !== undefined) return [message[2], message[3]].find(isSame);
  // Lists start after a given name, so the user comes first, or soon.
  const before = name.slice(0, -1);
  const online = await session.request('who', null, isUserName(before) ? before : null);
  const page = online.type === 'ok' ? readUserPage(online.result) : undefined;
  return page?.[0].map(([other]) => other).find(isSame);
}
