/** Fetches lists that the server returns in pages, and formats them for people. */

import type { RoomPage, UserPage } from '../../protocol/vocabulary.ts';
import type { Response } from '../session/requests.ts';

export type User = UserPage[0][number];
export type Room = RoomPage[0][number];

export type FetchedList<Item> =
  | { readonly type: 'list'; readonly items: readonly Item[]; readonly isComplete: boolean }
  | { readonly type: 'malformed' }
  | Exclude<Response, { type: 'ok' }>;

/** Maximum items fetched of a list, and maximum items printed; `--json` has all that were fetched. */
const FETCH_LIMIT = 50_000;
const SHOWN_LIMIT = 500;

type Page<Item> = readonly [readonly Item[], string | null];

/** `first` is the first page, unparsed; `next` requests the page after a name. */
export async function fetchList<Item>(
  first: unknown,
  read: (result: unknown) => Page<Item> | undefined,
  next: (after: string) => Promise<Response>,
): Promise<FetchedList<Item>> {
  const items: Item[] = [];
  let response: Response = { type: 'ok', result: first };
  for (;;) {
    if (response.type !== 'ok') return response;
    const page = read(response.result);
    if (page === undefined) return { type: 'malformed' };
    items.push(...page[0]);
    const [added, after] = page;
    if (after === null) return { type: 'list', items, isComplete: true };
    // Guards against endless requests if a page is empty.
    if (items.length >= FETCH_LIMIT || added.length === 0) return { type: 'list', items, isComplete: false };
    response = await next(after);
  }
}

export function describeUsers(room: string | null, users: readonly User[]): string[] {
  const online = users.filter(([, isOnline]) => isOnline).map(([name]) => name);
  const offline = users.filter(([, isOnline]) => !isOnline).map(([name]) => name);
  if (room === null) return [`${count(online.length, 'person', 'people')} online${listed(online)}`];
  return [
    `${count(users.length, 'member', 'members')} in ${room}, ${online.length} online${listed(online)}`,
    ...(offline.length === 0 ? [] : [`offline${listed(offline)}`]),
  ];
}

export function describeRooms(rooms: readonly Room[]): string[] {
  if (rooms.length === 0) return ['there are no rooms; /join ROOM creates one'];
  const shown = rooms.slice(0, SHOWN_LIMIT);
  const width = Math.max(...shown.map(([name]) => name.length));
  const lines = shown.map(
    ([name, members]) => `${name.padEnd(width)}  ${count(members, 'member', 'members')}`,
  );
  return rooms.length > SHOWN_LIMIT ? [...lines, `and ${rooms.length - SHOWN_LIMIT} more`] : lines;
}

function listed(names: readonly string[]): string {
  if (names.length === 0) return '';
  const more = names.length > SHOWN_LIMIT ? `, and ${names.length - SHOWN_LIMIT} more` : '';
  return `: ${names.slice(0, SHOWN_LIMIT).join(', ')}${more}`;
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}
