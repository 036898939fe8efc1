/** `/whois`. */

import { isRoomName, isUserName } from '../../chat/names.ts';
import { formatDate, toDate } from '../terminal/local-time.ts';
import { person } from './arguments.ts';
import { parameter, request } from './command.ts';
import { protocolError } from './command-results.ts';
import { plainName } from './conversation-name.ts';
import { done } from './result.ts';

interface Person {
  readonly user: string;
  readonly guest: boolean;
  /** In ms since 1970; null if offline. */
  readonly onlineSince: number | null;
  /** In ms since 1970; null for a guest, or if the server cannot tell. */
  readonly registeredAt: number | null;
  /** The rooms that both are in. */
  readonly rooms: readonly string[];
}

export const whois = request(
  { name: 'whois', verb: 'whois', summary: 'show information about a person, and the rooms you share' },
  [parameter(person, 'NAME', 'people')],
  ([name]) => [plainName(name)],
  (scope, _, answer) => {
    const found = readPerson(answer);
    if (found === undefined) return protocolError(scope, 'whois');
    scope.names.people.add(found.user);
    return done('whois', describe(found), { ...found });
  },
);

function readPerson(answer: unknown): Person | undefined {
  if (typeof answer !== 'object' || answer === null) return undefined;
  const { user, guest, onlineSince, registeredAt, rooms }: Partial<Record<keyof Person, unknown>> = answer;
  if (!isUserName(user) || typeof guest !== 'boolean') return undefined;
  if (!isTime(onlineSince) || !isTime(registeredAt)) return undefined;
  if (!Array.isArray(rooms) || !rooms.every(isRoomName)) return undefined;
  return { user, guest, onlineSince, registeredAt, rooms };
}

function isTime(value: unknown): value is number | null {
  return value === null || typeof value === 'number';
}

function describe({ user, guest, onlineSince, registeredAt, rooms }: Person): string[] {
  const since = registeredAt === null ? undefined : formatDate(toDate(registeredAt));
  const kind = guest ? 'a guest' : 'a registered user';
  return [
    since === undefined ? `${user} is ${kind}` : `${user} has been registered since ${since}`,
    onlineSince === null ? 'offline' : `online since ${formatDate(toDate(onlineSince))}`,
    rooms.length === 0 ? 'you share no room' : `rooms you share: ${rooms.join(', ')}`,
  ];
}
