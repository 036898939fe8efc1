/** What a person can read of the past: the replay, and the history page by page, compared with what the account must see. */

import type { Owner } from '../clients/owner.ts';
import { judgeStrictly } from '../clients/pending-requests.ts';
import { Device } from '../clients/resuming-client.ts';
import { checkView } from './compare-views.ts';
import type { Sight } from './expected-view.ts';
import { fromHistory, type Item, isRoom, show } from './observed-view.ts';
import type { Report } from './view-faults.ts';

/** The largest page that a request may ask for. */
const LARGEST = 500;
/** Hundreds of thousands of messages, on a machine that has other things to do. */
const REPLAY_MS = 300_000;

/** Comes in as one who knows nothing behind `after` yet, for which the whole past is replayed. The device, which stays in. */
export async function checkReplay(
  owner: Owner,
  port: number,
  after: number,
  sight: Sight,
  report: Report,
): Promise<Device> {
  const habits = { isEager: false, trustsLive: true, after, judge: judgeStrictly };
  const device = new Device(owner, port, habits, report);
  await device.enter();
  await device.until('end of the replay', () => device.isLive || !device.isConnected, REPLAY_MS);
  const [view] = device.views;
  if (view === undefined) throw new Error(`${owner.user} was not let in for a replay`);
  view.isWhole = device.isLive;
  checkView(view, sight, report);
  return device;
}

/** Of all the device's rooms, and its conversations with people who have an account. `limit`: of the pages of one of them. */
export async function checkHistory(
  device: Device,
  sight: Sight,
  report: Report,
  limit: () => number = () => LARGEST,
): Promise<void> {
  const { user } = device.owner;
  const [account] = sight.accountsNamed(user);
  if (account === undefined) return;
  const messages = sight.of(account).filter(({ kind }) => kind === 'message');
  const talks = Map.groupBy(messages, ({ user: from, place }) =>
    isRoom(place) || from === user ? place : from,
  );
  for (const [talk, due] of talks) {
    if (talk.startsWith('guest')) continue;
    const read = await readHistory(device, talk, limit(), due.length);
    compare(`${user} with ${talk}`, read, due, report);
  }
}

/** Newest first. */
async function readHistory(device: Device, talk: string, limit: number, due: number): Promise<Item[]> {
  const read: Item[] = [];
  for (let before: unknown = null; read.length <= due; ) {
    const answer = await device.call('history', talk, before, limit);
    if (answer === undefined)
      throw new Error(`${device.owner.user} lost the connection in the history with ${talk}`);
    const page = answer[0] === 'ok' ? answer[2] : undefined;
    if (!Array.isArray(page) || !Array.isArray(page[0]))
      throw new Error(`no page: ${JSON.stringify(answer)}`);
    for (const message of page[0]) if (Array.isArray(message)) read.push(fromHistory(message));
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
    'not readable',
    `${what}: ${read.length} messages for ${due.length}; number ${at} is ${got} for ${expected}`,
  );
}

function isSame(a: Item, b: Item | undefined): boolean {
  return a.id === b?.id && a.user === b.user && a.place === b.place && a.text === b.text;
}
