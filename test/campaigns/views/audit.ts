/** Ends a run: brings every client up to date, then compares every view with the log. */

import type { Pick } from '../../support/random.ts';
import type { ResumingClient } from '../clients/resuming-client.ts';
import { checkView } from './compare-views.ts';
import { ExpectedViews, type SentMessage } from './expected-view.ts';
import { checkHistory, checkReplay } from './history-check.ts';
import { readEntries, readNewest, type StoredEntry } from './stored-log.ts';
import type { Report } from './view-faults.ts';

export interface Audited {
  readonly data: string;
  readonly clients: readonly ResumingClient[];
  /** The newest entry before the run. */
  readonly since: number;
  /** Whether an entry belongs to this run, not to the one before. */
  readonly isOwn: (entry: StoredEntry) => boolean;
  /** All messages that anybody has tried to send, by their texts. */
  readonly said: ReadonlyMap<string, SentMessage>;
  readonly pick: Pick;
  readonly report: Report;
}

export interface Audit {
  readonly entries: number;
  /** Entries shown on all clients. */
  readonly shown: number;
}

/** How many accounts also read their history and a whole replay. */
const READERS = 3;
/** The time for all to be up to date. */
const SETTLE_MS = 60_000;

/** Audits of a changing log before one counts. */
const ROUNDS = 5;

/** A guest's leaves may be stored after everybody else has settled; then the audit is repeated. */
export async function audit(run: Audited): Promise<Audit> {
  for (let round = 1; ; round += 1) {
    const findings: Parameters<Report>[] = [];
    const newest = await settle(run.data, accountsOf(run.clients));
    const audited = await compare({ ...run, report: (...finding) => findings.push(finding) });
    if (round < ROUNDS && readNewest(run.data) !== newest) continue;
    for (const finding of findings) run.report(...finding);
    return audited;
  }
}

function accountsOf(clients: readonly ResumingClient[]): ResumingClient[] {
  return clients.filter(({ owner }) => owner.password !== undefined);
}

async function compare({ data, clients, since, isOwn, said, report, pick }: Audited): Promise<Audit> {
  const settled = accountsOf(clients);
  const entries = readEntries(data, since).filter(isOwn);
  const expected = new ExpectedViews(said, report);
  expected.add(entries);
  for (const client of settled) for (const view of client.views.slice(-1)) view.isWhole = true;
  let shown = 0;
  for (const { views } of clients) {
    for (const view of views) {
      checkView(view, expected, report);
      shown += view.count;
    }
  }
  const [first] = settled;
  if (first !== undefined)
    for (const room of expected.rooms) await checkMembers(first, room, expected, report);
  for (let i = 0; i < READERS && settled.length > 0; i += 1) {
    const [client] = settled.splice(pick(settled.length), 1);
    if (client === undefined) break;
    await checkHistory(client, expected, report, () => 1 + pick(pick(2) === 0 ? 20 : 500));
    const { owner, port } = client;
    (await checkReplay(owner, port, since, expected, report)).cut('close');
  }
  return { entries: entries.length, shown };
}

/** Waits until everybody is live, answered and up to date. Returns the newest id. */
async function settle(data: string, clients: readonly ResumingClient[]): Promise<number> {
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    await Promise.all(clients.map((client) => finish(client, deadline)));
    const newest = readNewest(data);
    // The registry answers this after everything it has routed before.
    await Promise.all(clients.map((client) => client.call('rooms')));
    if (clients.every((client) => client.isLive) && readNewest(data) === newest) return newest;
  }
}

async function finish(client: ResumingClient, deadline: number): Promise<void> {
  client.connection?.resume();
  client.connection?.spare();
  for (;;) {
    if (performance.now() > deadline) throw new Error(`${client.owner.user} keeps losing its connection`);
    if (!client.isConnected) await client.enter();
    else if (!client.isIn) await client.logIn();
    await client.until('end of all that is under way', () => client.isSettled || !client.isConnected);
    if (client.isSettled) return;
  }
}

/** Compares the members of a room at the end with the log. */
async function checkMembers(
  client: ResumingClient,
  room: string,
  expected: ExpectedViews,
  report: Report,
): Promise<void> {
  const due = expected.membersOf(room).toSorted();
  const answer = await client.call('who', room);
  const isGone = answer?.[2] === 'no_such_room';
  const page = isGone ? [] : answer?.[0] === 'ok' && Array.isArray(answer[2]) ? answer[2][0] : undefined;
  if (page === undefined)
    throw new Error(`${client.owner.user} asked for the members of ${room}: ${JSON.stringify(answer)}`);
  const members: string[] = page.map(([name]: readonly unknown[]) => String(name)).toSorted();
  if (members.join() === due.join()) return;
  report('stray', `${room} has the members ${members.join(' ')}, and by the log ${due.join(' ')}`);
}
