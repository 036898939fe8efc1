/** What goes on beside the talking while the disk fails: people log in, look things up, move, register, and visit. */

import { TestClient } from '../../support/client.ts';
import type { Frame } from '../../support/frames.ts';
import { until } from '../../support/process.ts';
import { passwordOf } from '../accounts/cheap-accounts.ts';
import { Guests } from '../accounts/guests.ts';
import { Newcomers } from '../accounts/registrations-user.ts';
import { Keeper } from '../accounts/token-user.ts';
import { readMembers } from '../views/stored-log.ts';
import type { Saying } from './send-outcomes.ts';
import { type DiskLoad, type DiskLoadOptions, ROOMS } from './talkers.ts';

/** An account that only reads. */
export const READER = 'reader';
/** Accounts that only come in, one after the other: so long ago that nobody remembers what they have seen. */
export const QUIET = Array.from({ length: 24 }, (_, i) => `quiet-${i}`);
const ROAMED = Array.from({ length: 8 }, (_, i) => `#roam-${i}`);

export interface VisitorsOptions extends DiskLoadOptions {
  readonly load: DiskLoad;
}

export class Visitors {
  readonly #options: VisitorsOptions;
  readonly newcomers: Newcomers;
  readonly keeper: Keeper;
  readonly guests: Guests;
  /** `user #room` → whether they are in; undefined if that is not known. */
  readonly #places = new Map<string, boolean | undefined>();
  #isOver = true;
  #running: Promise<unknown> = Promise.resolve();
  #looks = 0;
  readonly counts = {
    reads: 0,
    searches: 0,
    'searches refused': 0,
    moves: 0,
    guests: 0,
    'guests refused': 0,
  };

  constructor(options: VisitorsOptions) {
    this.#options = options;
    this.newcomers = new Newcomers(options.port, options.findings);
    this.guests = new Guests(options);
    this.keeper = new Keeper(options.port, options.findings, options.pick);
  }

  /** For the first time: whoever reads a room has to be in it. */
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
      this.#again(120, () => this.newcomers.register()),
      this.#again(300, () => this.newcomers.change(this.#options.pick)),
      this.#again(100, () => this.keeper.comeAndGo()),
    ];
    this.#running = Promise.all(loops);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
    this.guests.leave();
  }

  /** Everything is certain again, and works. */
  async settle(online: readonly string[]): Promise<void> {
    await this.newcomers.settle();
    await this.keeper.check();
    await this.#checkOnline(online);
    await this.#checkSearch();
  }

  /** After a start. */
  async checkAgain(): Promise<void> {
    await this.newcomers.checkAll();
    await this.keeper.check();
  }

  /** Against the memberships in the log, as `user #room`. */
  checkPlaces(members: ReadonlySet<string>): void {
    for (const [place, isIn] of this.#places) {
      if (isIn === undefined || members.has(place) === isIn) continue;
      this.#options.findings.report(
        'lost',
        `${place}: ${isIn ? 'joined' : 'left'}, and the log says otherwise`,
      );
    }
  }

  /** Nobody is online who has gone. */
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

  /** What the server says of who is where, against the log. Guests who went with a server are taken out later. */
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

  /** A search finds the newest of all, and says that it looked everywhere. */
  async #checkSearch(): Promise<void> {
    const { load, findings } = this.#options;
    const newest = load.newestTo('#north');
    const client = await this.#comeIn();
    if (client === undefined || newest === undefined) return;
    let last: Frame | undefined;
    await until('a search to find what was stored', async () => {
      last = await client.ask('search', phraseOf(newest.saying.text));
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

  /** Reads go on: who comes in without a last id, looks back, looks around, searches. */
  async #look(): Promise<void> {
    const { findings, load, pick } = this.#options;
    const room = ROOMS[pick(ROOMS.length)] ?? '';
    const newest = load.newestTo(room);
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
    this.counts.reads += 4;
    if (newest !== undefined) await this.#search(client, newest.saying, newest.id);
    client.close();
  }

  async #search(client: TestClient, { text }: Saying, id: number): Promise<void> {
    const answer = await client.ask('search', phraseOf(text));
    this.counts.searches += 1;
    // The index is written, too: it may be that there is none for a while.
    if (answer?.[0] !== 'ok') this.counts['searches refused'] += 1;
    else if (isComplete(answer) && !idsIn(answer).includes(id)) {
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
    const { load, pick } = this.#options;
    const talker = load.talkers[pick(load.talkers.length)];
    const room = ROAMED[pick(ROAMED.length)] ?? '';
    if (talker === undefined) return;
    const place = `${talker.user} ${room}`;
    const verb = this.#places.get(place) === true ? 'leave' : 'join';
    const answer = await talker.questions.move(verb, room);
    this.counts.moves += 1;
    if (answer?.[0] === 'ok') this.#places.set(place, verb === 'join');
    else if (answer === undefined || answer[2] === 'storage_failed') this.#places.set(place, undefined);
  }
}

/** The first words of a text are its author and a number, and occur once. */
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
