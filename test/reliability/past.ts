/** What `history` says, page by page, compared with the messages that the account must see. */

import type { Pick } from '../transport/hostile.ts';
import type { Device } from './device.ts';
import type { Report } from './faults.ts';
import type { Sight } from './sight.ts';
import { type Item, show } from './view.ts';

/** The largest page that a request may ask for. */
const LARGEST = 500;

/** Of all the device's rooms, and its conversations with people who have an account. */
export async function checkHistory(device: Device, sight: Sight, pick: Pick, report: Report): Promise<void> {
  const { user } = device.person;
  const [account] = sight.accountsNamed(user);
  if (account === undefined) return;
  const messages = sight.of(account).filter(({ kind }) => kind === 'message');
  const talks = Map.groupBy(messages, ({ user: from, place }) =>
    place.startsWith('#') || from === user ? place : from,
  );
  for (const [talk, due] of talks) {
    if (talk.startsWith('guest')) continue;
    const read = await readHistory(device, talk, 1 + pick(pick(2) === 0 ? 20 : LARGEST), due.length);
    compare(`${user} with ${talk}`, read, due, report);
  }
}

/** Newest first. */
async function readHistory(device: Device, talk: string, limit: number, due: number): Promise<Item[]> {
  const read: Item[] = [];
  for (let before: unknown = null; read.length <= due; ) {
    const answer = await device.call('history', talk, before, limit);
    if (answer === undefined)
      throw new Error(`${device.person.user} lost the connection in the history with ${talk}`);
    const page = answer[0] === 'ok' ? answer[2] : undefined;
    if (!Array.isArray(page) || !Array.isArray(page[0]))
      throw new Error(`no page: ${JSON.stringify(answer)}`);
    for (const message of page[0]) if (Array.isArray(message)) read.push(toItem(message));
    if (page[0].length > limit) throw new Error(`a page of ${page[0].length} messages, for ${limit}`);
    before = page[1];
    if (before === null) break;
  }
  return read;
}

function compare(what: string, read: readonly Item[], due: readonly Item[], report: Report): void {
  const newestFirst = due.toReversed();
  const place = newestFirst.findIndex((item, index) => !isSame(item, read[index]));
  if (place === -1 && read.length === due.length) return;
  const at = place === -1 ? due.length : place;
  const [got, expected] = [read[at], newestFirst[at]].map((item) =>
    item === undefined ? 'the end' : show(item),
  );
  report(
    'history',
    `${what}: ${read.length} messages for ${due.length}; number ${at} is ${got} for ${expected}`,
  );
}

function isSame(a: Item, b: Item | undefined): boolean {
  return a.id === b?.id && a.user === b.user && a.place === b.place && a.text === b.text;
}

function toItem([id, , user, place, text]: readonly unknown[]): Item {
  return {
    id: Number(id),
    kind: 'message',
    user: String(user),
    place: String(place),
    text: String(text),
    key: null,
  };
}
