/** Compares the replay and the paged history with what the account must see. */

import type { Owner } from '../clients/owner.ts';
import { judgeStrictly } from '../clients/pending-requests.ts';
import { ResumingClient } from '../clients/resuming-client.ts';
import { checkView } from './compare-views.ts';
import type { ExpectedViews } from './expected-view.ts';
import { fromHistory, type Item, isRoom, show } from './observed-view.ts';
import type { Report } from './view-faults.ts';

/** The largest page that a request may ask for. */
const LARGEST = 500;
/** Enough for hundreds of thousands of messages on a busy machine. */
const REPLAY_MS = 300_000;

/**
 * Logs in with `after` as the last id, so that everything later is replayed. Returns the client, which stays
 * connected.
 */
export async function checkReplay(
  owner: Owner,
  port: number,
  after: number,
  expected: ExpectedViews,
  report: Report,
): Promise<ResumingClient> {
  const habits = { isEager: false, trustsLive: true, after, judge: judgeStrictly };
  const client = new ResumingClient(owner, port, habits, report);
  await client.enter();
  await client.until('end of the replay', () => client.isLive || !client.isConnected, REPLAY_MS);
  const [view] = client.views;
  if (view === undefined) throw new Error(`${owner.user} could not log in for a replay`);
  view.isWhole = client.isLive;
  checkView(view, expected, report);
  return client;
}

/**
 * Checks the history of all rooms, and of conversations with accounts. `limit` is the page size for the next
 * conversation.
 */
export async function checkHistory(
  client: ResumingClient,
  expected: ExpectedViews,
  report: Report,
  limit: () => number = () => LARGEST,
): Promise<void> {
  const { user } = client.owner;
  const [account] = expected.accountsNamed(user);
  if (account === undefined) return;
  const messages = expected.of(account).filter(({ kind }) => kind === 'message');
  const talks = Map.groupBy(messages, ({ user: from, place }) =>
    isRoom(place) || from === user ? place : from,
  );
  for (const [talk, due] of talks) {
    if (talk.startsWith('guest')) continue;
    const read = await readHistory(client, talk, limit(), due.length);
    compare(`${user} with ${talk}`, read, due, report);
  }
}

/** Newest first. */
async function readHistory(
  client: ResumingClient,
  talk: string,
  limit: number,
  due: number,
): Promise<Item[]> {
  const read: Item[] = [];
  for (let before: unknown = null; read.length <= due; ) {
    const answer = await client.call('history', talk, before, limit);
    if (answer === undefined)
      throw new Error(`${client.owner.user} lost the connection in the history with ${talk}`);
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
