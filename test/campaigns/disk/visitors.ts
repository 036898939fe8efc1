/** What happens beside the senders while the disk fails: logins, reads, joins, registrations, guests. */

import { TestClient } from '../../support/client.ts';
import type { Frame } from '../../support/frames.ts';
import { until } from '../../support/process.ts';
import { passwordOf } from '../accounts/cheap-accounts.ts';
import { Guests } from '../accounts/guests.ts';
import { RegisteringUsers } from '../accounts/registering-users.ts';
import { TokenUser } from '../accounts/token-user.ts';
import { readMembers } from '../views/stored-log.ts';
import type { Attempt } from './send-outcomes.ts';
import { ROOMS, type Talkers, type TalkersOptions } from './talkers.ts';

/** An account that only reads. */
export const READER = 'reader';
/** Accounts that only log in, so rarely that the registry has forgotten what they have seen. */
export const QUIET = Array.from({ length: 24 }, (_, i) => `quiet-${i}`);
const ROAMED = Array.from({ length: 8 }, (_, i) => `#roam-${i}`);

export interface VisitorsOptions extends TalkersOptions {
  readonly talkers: Talkers;
}

export class Visitors {
  readonly #options: VisitorsOptions;
  readonly registering: RegisteringUsers;
  readonly tokenUser: TokenUser;
  readonly guests: Guests;
  /** Membership by `user #room`; undefined if unknown. */
  readonly #places = new Map<string, boolean | undefined>();
  #isOver = true;
  #running: Promise<unknown> = Promise.resolve();
  #looks = 0;

  constructor(options: VisitorsOptions) {
    this.#options = options;
    this.registering = new RegisteringUsers(options.port, options.findings);
    this.guests = new Guests(options);
    this.tokenUser = new TokenUser(options.port, options.findings, options.pick);
  }

  /** Joins the rooms, so that the reader may read them. */
  async settleIn(): Promise<void> {
    const client = await this.#comeIn();
    for (const room of ROOMS) await client?.ok('join', room);
    client?.close();
  }

  start(): void {
    this.#isOver = false;
    const loops = [
      this.#again(60, () => this.#look()),
      this.#again(40, () => this.#roam()),
      this.#again(80, () => this.guests.visit()),
      this.#again(120, () => this.registering.register()),
      this.#again(300, () => this.registering.change(this.#options.pick)),
      this.#again(100, () => this.tokenUser.visit()),
    ];
    this.#running = Promise.all(loops);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
    this.guests.leave();
  }

  /** Waits until every outcome is certain, and checks that everything works. */
  async settle(online: readonly string[]): Promise<void> {
    await this.registering.settle();
    await this.tokenUser.check();
    await this.#checkOnline(online);
    await this.#checkSearch();
  }

  /** Checks accounts and tokens after a start. */
  async checkAgain(): Promise<void> {
    await this.registering.checkAll();
    await this.tokenUser.check();
  }

  /** Compares with the memberships in the log, as `user #room`. */
  checkPlaces(members: ReadonlySet<string>): void {
    for (const [place, isIn] of this.#places) {
      if (isIn === undefined || members.has(place) === isIn) continue;
      this.#options.findings.report(
        'lost',
        `${place}: ${isIn ? 'joined' : 'left'}, and the log says otherwise`,
      );
    }
  }

  /** Checks that nobody is online who has left. */
  async #checkOnline(expected: readonly string[]): Promise<void> {
    const client = await this.#comeIn();
    if (client === undefined) return;
    const wanted = [...expected, READER].sort().join();
    let seen = '';
    await until('everybody who has gone to be offline', async () => {
      seen = namesIn(await client.ok('who'))
        .sort()
        .join();
      return seen === wanted;
    }).catch(() => this.#options.findings.report('ghost', `online are ${seen}, and should be ${wanted}`));
    client.close();
  }

  /**
   * Compares the server's member lists with the log. Guests of an earlier server process are removed after a
   * while.
   */
  async compareRooms(data: string): Promise<void> {
    const client = await this.#comeIn();
    if (client === undefined) return;
    let difference = '';
    await until('memory and log to agree on who is where', async () => {
      const told = new Set<string>();
      for (const [room] of rowsIn(await client.ok('rooms'))) {
        for (const [user] of rowsIn(await client.ok('who', room))) told.add(`${user} ${room}`);
      }
      difference = [...told.symmetricDifference(readMembers(data))].join();
      return difference === '';
    }).catch(() => this.#options.findings.report('damaged', `in the log or in memory only: ${difference}`));
    client.close();
  }

  /** Checks that a search finds the newest message and reports to be complete. */
  async #checkSearch(): Promise<void> {
    const { talkers, findings } = this.#options;
    const newest = talkers.newestTo('#north');
    const client = await this.#comeIn();
    if (client === undefined || newest === undefined) return;
    let last: Frame | undefined;
    await until('a search to find what was stored', async () => {
      last = await client.ask('search', phraseOf(newest.attempt.text));
      return idsIn(last).includes(newest.id) && isComplete(last);
    }).catch(() => findings.report('no recovery', `search: ${JSON.stringify(last).slice(0, 200)}`));
    client.close();
  }

  async #again(pauseMs: number, work: () => Promise<unknown>): Promise<void> {
    while (!this.#isOver) {
      await work();
      await new Promise((resolve) => setTimeout(resolve, this.#options.pick(pauseMs)));
    }
  }

  /** Checks that reads continue: a login without a last id, history, lists, and search. */
  async #look(): Promise<void> {
    const { findings, talkers, pick } = this.#options;
    const room = ROOMS[pick(ROOMS.length)] ?? '';
    const newest = talkers.newestTo(room);
    const client = await this.#comeIn();
    if (client === undefined) return;
    const page = await client.ask('history', room, null, 50);
    if (page?.[0] !== 'ok') findings.report('not read', `history: ${JSON.stringify(page)}`);
    else if (newest !== undefined && (idsIn(page)[0] ?? 0) < newest.id) {
      findings.report('not read', `history of ${room} ends with ${idsIn(page)[0]}, stored was ${newest.id}`);
    }
    for (const verb of ['who', 'rooms']) {
      const answer = await client.ask(verb);
      if (answer?.[0] !== 'ok') findings.report('not read', `${verb}: ${JSON.stringify(answer)}`);
    }
    this.#looks += 1;
    (await this.#comeIn(QUIET[this.#looks % QUIET.length]))?.close();
    if (newest !== undefined) await this.#search(client, newest.attempt, newest.id);
    client.close();
  }

  async #search(client: TestClient, { text }: Attempt, id: number): Promise<void> {
    const answer = await client.ask('search', phraseOf(text));
    // The search index is written too, so it may be missing for a while.
    if (answer?.[0] === 'ok' && isComplete(answer) && !idsIn(answer).includes(id)) {
      this.#options.findings.report('not read', `a complete search for "${phraseOf(text)}" without ${id}`);
    }
  }

  async #comeIn(user = READER): Promise<TestClient | undefined> {
    const { port, findings } = this.#options;
    const client = await TestClient.connect(`127.0.0.1:${port}`);
    const answer = await client.ask('login', user, passwordOf(user));
    if (answer?.[0] === 'ok') {
      await until(`${user} to be live`, () => client.events.some((event) => event[0] === 'live'));
      return client;
    }
    if (answer?.[2] !== 'busy') findings.report('not read', `login of ${user}: ${JSON.stringify(answer)}`);
    client.close();
    return undefined;
  }

  async #roam(): Promise<void> {
    const { talkers, pick } = this.#options;
    const talker = talkers.clients[pick(talkers.clients.length)];
    const room = ROAMED[pick(ROAMED.length)] ?? '';
    if (talker === undefined) return;
    const place = `${talker.user} ${room}`;
    const verb = this.#places.get(place) === true ? 'leave' : 'join';
    const answer = await talker.requests.move(verb, room);
    if (answer?.[0] === 'ok') this.#places.set(place, verb === 'join');
    else if (answer === undefined || answer[2] === 'storage_failed') this.#places.set(place, undefined);
  }
}

/** The first two words of a text, author and number, are unique. */
function phraseOf(text: string): string {
  return `"${text.split(' ').slice(0, 2).join(' ')}"`;
}

function rowsIn(page: unknown): unknown[][] {
  return Array.isArray(page) && Array.isArray(page[0]) ? page[0].filter(Array.isArray) : [];
}

function namesIn(page: unknown): string[] {
  return rowsIn(page).flatMap(([name, isOnline]) => (isOnline === true ? [String(name)] : []));
}

function idsIn(answer: Frame | undefined): number[] {
  return rowsIn(answer?.[2]).map(([id]) => Number(id));
}

function isComplete(answer: Frame | undefined): boolean {
  const page = answer?.[2];
  return Array.isArray(page) && page[2] === true;
}
