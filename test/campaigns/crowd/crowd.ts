/**
 * A group of clients that send to rooms and to each other, and the comparison of what each has received with
 * the log. Each client numbers its messages and repeats unanswered ones in order with the same keys. In the
 * log its numbers must therefore be consecutive: a missing one was lost or reordered.
 */

import { isDeepStrictEqual } from 'node:util';
import type { Pick } from '../../support/random.ts';
import { writeCheapUsers } from '../accounts/cheap-accounts.ts';
import { ownerOf } from '../clients/owner.ts';
import { judgeStrictly } from '../clients/pending-requests.ts';
import { ResumingClient } from '../clients/resuming-client.ts';
import { checkView } from '../views/compare-views.ts';
import { ExpectedViews, type SentMessage } from '../views/expected-view.ts';
import { checkHistory, checkReplay } from '../views/history-check.ts';
import { readEntries, type StoredEntry } from '../views/stored-log.ts';
import { type Report, VIEW_FAULTS } from '../views/view-faults.ts';

export const CROWD_KINDS = [...VIEW_FAULTS, 'token lost'] as const;

export interface Member {
  readonly name: string;
  /** The rooms it sends to. */
  readonly rooms: readonly string[];
}

export interface CrowdOptions {
  readonly data: string;
  readonly port: number;
  readonly members: readonly Member[];
  readonly report: (kind: (typeof CROWD_KINDS)[number], detail: string) => void;
}

export class Crowd {
  /** In the same order as `members`. */
  readonly clients: readonly ResumingClient[];
  /** Called for each message that its author knows to be stored. */
  onStored: (client: ResumingClient) => void = () => {};
  readonly #options: CrowdOptions;
  readonly #said = new Map<string, SentMessage>();
  readonly #expected: ExpectedViews;
  /** Messages that each has tried to send, and those found in the log. */
  readonly #tried = new Map<string, number>();
  readonly #stored = new Map<string, number>();
  /** Texts known to be stored. */
  readonly #known = new Set<string>();
  /** Messages found in the log before they were acknowledged. */
  unacknowledged = 0;

  /** Creates accounts for all members, in a new folder. */
  constructor(options: CrowdOptions) {
    const { data, members, report } = options;
    this.#options = options;
    this.#expected = new ExpectedViews(this.#said, report);
    this.clients = members.map(({ name }) => startClient(name, options.port, report));
    for (const client of this.clients) {
      client.requests.onStored = ({ text }) => {
        this.#known.add(text);
        this.onStored(client);
      };
    }
    writeCheapUsers(
      data,
      members.map(({ name }) => name),
    );
  }

  get acknowledged(): number {
    return this.#known.size;
  }

  /** All log in for the first time and join their rooms. */
  async enter(): Promise<void> {
    for (const [i, client] of this.clients.entries()) {
      if ((await client.enter()) !== 'in') throw new Error(`${client.state()} could not log in`);
      for (const room of this.#options.members[i]?.rooms ?? []) {
        const answer = await client.requests.move('join', room);
        if (answer?.[0] !== 'ok') throw new Error(`${client.state()} could not join ${room}`);
      }
    }
  }

  /** Sends to a member or a room; waits for the connection if there is none. */
  talk(client: ResumingClient, pick: Pick, padding: number): void {
    const { user } = client;
    const rooms = this.#options.members.find(({ name }) => name === user)?.rooms ?? [];
    const somebody = this.clients[pick(this.clients.length)]?.user;
    const to = (pick(3) === 0 ? somebody : rooms[pick(rooms.length)]) ?? user;
    const number = this.#tried.get(user) ?? 0;
    this.#tried.set(user, number + 1);
    const text = `${user} ${number} to ${to} ${'.'.repeat(pick(padding))}`;
    const key = `key-${user}-${number}`.padEnd(20, '-');
    this.#said.set(text, { from: user, to, key });
    client.requests.send(to, text, key);
  }

  /** Waits until these are live and their messages are acknowledged. */
  async settle(clients: readonly ResumingClient[]): Promise<void> {
    for (const client of clients) await client.until('end of all that is under way', () => client.isSettled);
  }

  /** Compares the log, which must not change meanwhile, with what was received since the last check. */
  check(): void {
    const { data, report } = this.#options;
    const entries = readEntries(data, this.#expected.newest);
    this.#expected.add(entries);
    for (const entry of entries) if (entry.kind === 'message') this.#checkOrder(entry);
    for (const { owner, views, counts } of this.clients) {
      for (const view of views) checkView(view, this.#expected, report);
      if (counts.badToken > 0) report('token lost', `${owner.user}: ${counts.badToken} times`);
    }
  }

  /** Compares the rooms in the login answers with the log. */
  checkRooms(clients: readonly ResumingClient[]): void {
    const expected = this.#expected;
    for (const { user, rooms } of clients) {
      const due = expected.rooms.filter((room) => expected.membersOf(room).includes(user));
      if (rooms.toSorted().join() === due.toSorted().join()) continue;
      this.#options.report(
        'lost',
        `${user} is told to be in ${rooms.join()}, and should be in ${due.join()}`,
      );
    }
  }

  /** Logins of all clients together. */
  counts(): { login: number; resume: number; notYet: number } {
    const sums = { login: 0, resume: 0, notYet: 0 };
    for (const { counts } of this.clients) {
      sums.login += counts.login;
      sums.resume += counts.resume;
      sums.notYet += counts.notYet;
    }
    return sums;
  }

  /** The number of joins and leaves of a member in the log. */
  movesOf(user: string): number {
    return this.#expected.entries.filter((entry) => entry.kind !== 'message' && entry.user === user).length;
  }

  /** Waits until everything is acknowledged and received, then compares. */
  async finish(): Promise<void> {
    await this.settle(this.clients);
    this.check();
    for (const client of this.clients) {
      const newest = this.#expected.ofUser(client.user).at(-1)?.id ?? 0;
      // A missing entry is reported as a gap.
      await client.until('last entry', () => client.cursor >= newest).catch(() => {});
      for (const view of client.views) view.isWhole = true;
    }
    this.check();
  }

  /** Reads the whole log again: everything found at earlier checks must still be there, and nothing else. */
  checkAgain(): void {
    const { data, report } = this.#options;
    const { entries } = this.#expected;
    const again = readEntries(data, 0);
    const place = entries.findIndex((entry, i) => !isDeepStrictEqual(entry, again[i]));
    if (place === -1 && again.length === entries.length) return;
    report('lost', `${again.length} entries for ${entries.length}; number ${place} is another one, or gone`);
  }

  /** Every member reads the whole history again. */
  async checkPast(): Promise<void> {
    const { port, report } = this.#options;
    const told: Report = (kind, detail) => report('not readable', `${kind}: ${detail}`);
    for (const { owner } of this.clients) {
      const client = await checkReplay(owner, port, 0, this.#expected, told);
      await checkHistory(client, this.#expected, told);
      client.cut('close');
    }
  }

  #checkOrder({ id, user, text }: StoredEntry): void {
    if (!this.#known.has(text)) this.unacknowledged += 1;
    const due = this.#stored.get(user) ?? 0;
    const number = Number(text.split(' ')[1]);
    if (number !== due)
      this.#options.report('out of order', `message ${id} is ${user} ${number} where ${due} is due`);
    this.#stored.set(user, number + 1);
  }
}

/** A client that is allowed everything it requests, and repeats it in order. */
export function startClient(user: string, port: number, report: Report): ResumingClient {
  const habits = { isEager: true, trustsLive: true, after: 0, judge: judgeStrictly };
  return new ResumingClient(ownerOf(user), port, habits, report);
}
