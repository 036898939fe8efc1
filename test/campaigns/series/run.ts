/** One run: its clients act at the same time, and at the end what each was shown is compared with the log. */

import { type Pick, startRandom } from '../../support/random.ts';
import { type Owner, ownerOf } from '../clients/owner.ts';
import { judgeStrictly } from '../clients/pending-requests.ts';
import { type Habits, ResumingClient } from '../clients/resuming-client.ts';
import { audit } from '../views/audit.ts';
import type { SentMessage } from '../views/expected-view.ts';
import { isRoom } from '../views/observed-view.ts';
import { readNewest, type StoredEntry } from '../views/stored-log.ts';
import type { Report } from '../views/view-faults.ts';
import { ClientBehaviour, type RunContext } from './client-behaviour.ts';
import type { RunProfile } from './run-profile.ts';
import type { SharedServer } from './shared-server.ts';
import { ThreadKiller } from './thread-killer.ts';

/** Totals of a series, all 0. */
export function startSums() {
  return {
    clients: 0,
    'messages tried': 0,
    'entries of the log': 0,
    'entries shown': 0,
    'connections that came in': 0,
    'connections lost at login': 0,
    'connections lost in a replay': 0,
    'connections lost when live': 0,
    'clients told that they are too slow': 0,
    'threads that died': 0,
  };
}

export type Sums = ReturnType<typeof startSums>;

/** Refusals that follow from what other clients do. */
const EXPECTED = new Set<unknown>(['no_such_room', 'no_such_user', 'not_a_member']);
/** The most clients of one run, including those that start later. */
export const MOST_CLIENTS = 100;

export class Run implements RunContext {
  readonly profile: RunProfile;
  readonly rooms: readonly string[];
  readonly names: string[] = [];
  isOver = false;
  readonly #server: SharedServer;
  readonly #seed: number;
  readonly #report: Report;
  readonly #pick: Pick;
  readonly #since: number;
  readonly #clients: ResumingClient[] = [];
  readonly #said = new Map<string, SentMessage>();
  readonly #threadKiller: ThreadKiller;

  constructor(server: SharedServer, seed: number, draw: (pick: Pick) => RunProfile, report: Report) {
    this.#server = server;
    this.#seed = seed;
    this.#report = report;
    this.#pick = startRandom(seed);
    this.#since = readNewest(server.data);
    this.profile = draw(this.#pick);
    this.rooms = Array.from({ length: this.profile.rooms }, (_, i) => `#room-${seed}-${i}`);
    this.#threadKiller = new ThreadKiller(server, this.profile.crashPercent, this.#pick);
    while (this.#clients.length < this.profile.clients) this.#addPerson();
  }

  async go(sums: Sums): Promise<void> {
    const behaviours = this.#clients.map((client, i) => {
      return new ClientBehaviour(client, i, i < this.profile.steady, this, startRandom(this.#pick(2 ** 31)));
    });
    await this.#threadKiller.ready();
    await Promise.all(behaviours.map((behaviour) => behaviour.begin()));
    const crashPercent = this.#threadKiller.run(this.#clients);
    await Promise.all(behaviours.map((behaviour) => behaviour.live()));
    await crashPercent;
    const { entries, shown } = await audit({
      data: this.#server.data,
      clients: this.#clients,
      since: this.#since,
      isOwn: (entry) => this.#isOwn(entry),
      said: this.#said,
      pick: this.#pick,
      report: this.#report,
    });
    sums['entries of the log'] += entries;
    sums['entries shown'] += shown;
    this.#count(sums);
  }

  end(): void {
    this.isOver = true;
    for (const client of this.#clients) client.cut('close');
  }

  say(client: ResumingClient, to: string, size: number, key: string | null): void {
    const text = `${this.#seed} ${this.#said.size} ${'.'.repeat(size)}`.slice(0, 8_192);
    this.#said.set(text, { from: client.user, to, key });
    client.requests.send(to, text, key);
  }

  async another({ owner }: ResumingClient, pick: Pick): Promise<void> {
    if (owner.password === undefined || this.#clients.length >= MOST_CLIENTS) return;
    await this.#addDevice(owner, pick(2) === 0 ? undefined : this.#since, pick).enter();
  }

  #addPerson(): void {
    const isGuest = this.#pick(100) < this.profile.guests;
    const user = isGuest ? `guest-${this.#seed}-${this.names.length}` : this.#server.take();
    const usual = ownerOf(user, !this.#threadKiller.forgets);
    const owner: Owner = isGuest ? { ...usual, password: undefined } : usual;
    this.names.push(isGuest ? `${user}.0` : user);
    for (let i = isGuest ? 1 : 1 + this.#pick(this.profile.clientsPerPerson); i > 0; i -= 1)
      this.#addDevice(owner, this.#since, this.#pick);
  }

  #addDevice(owner: Owner, after: number | undefined, pick: Pick): ResumingClient {
    const judge: Habits['judge'] = (code) => (EXPECTED.has(code) ? 'given up' : judgeStrictly(code));
    const habits: Habits = { isEager: pick(2) === 0, trustsLive: pick(2) === 0, after, judge };
    const client = new ResumingClient(owner, this.#server.port, habits, this.#report);
    this.#clients.push(client);
    return client;
  }

  #isOwn({ user, place }: StoredEntry): boolean {
    if (isRoom(place)) return this.rooms.includes(place);
    const mine = new Set(this.#clients.map(({ owner }) => owner.user));
    return [user, place].every((name) => mine.has(name) || name.startsWith(`guest-${this.#seed}-`));
  }

  #count(sums: Sums): void {
    sums.clients += this.#clients.length;
    sums['messages tried'] += this.#said.size;
    sums['threads that died'] += this.#threadKiller.killed;
    for (const { counts, losses } of this.#clients) {
      sums['connections that came in'] += counts.in;
      sums['connections lost at login'] += losses.login;
      sums['connections lost in a replay'] += losses.replay;
      sums['connections lost when live'] += losses.live;
      sums['clients told that they are too slow'] += counts.tooSlow;
    }
  }
}
