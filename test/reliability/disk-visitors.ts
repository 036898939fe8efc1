/** What goes on beside the talking while the disk fails: people log in, look things up, move, register, and visit. */

import { until } from '../support/process.ts';
import type { Pick } from '../transport/hostile.ts';
import type { Findings } from './campaign.ts';
import { passwordOf } from './cheap-users.ts';
import { Keeper } from './keeper.ts';
import { Asker, type Frame } from './link.ts';
import { Newcomers } from './newcomers.ts';
import type { Talker } from './talker.ts';
import type { Saying, Verdicts } from './verdicts.ts';

/** An account that only reads. */
export const READER = 'reader';
const ROAMED = Array.from({ length: 8 }, (_, i) => `#roam-${i}`);
const LOBBY = '#lobby';
/** Guests who are there at most. */
const GUESTS = 4;

export interface VisitorsOptions {
  readonly port: number;
  readonly talkers: readonly Talker[];
  readonly verdicts: Verdicts;
  readonly findings: Findings;
  readonly pick: Pick;
  /** The newest message of that room that somebody was told is stored. */
  readonly newestIn: (room: string) => { readonly saying: Saying; readonly id: number } | undefined;
}

export class Visitors {
  readonly #options: VisitorsOptions;
  readonly newcomers: Newcomers;
  readonly keeper: Keeper;
  /** `user #room` → whether they are in; undefined if that is not known. */
  readonly #places = new Map<string, boolean | undefined>();
  #isOver = true;
  #running: Promise<unknown> = Promise.resolve();
  readonly #guests: Array<{ readonly name: string; readonly asker: Asker }> = [];
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
    this.keeper = new Keeper(options.port, options.findings, options.pick);
  }

  start(): void {
    this.#isOver = false;
    const loops = [
      this.#again(60, () => this.#look()),
      this.#again(40, () => this.#roam()),
      this.#again(80, () => this.#visit()),
      this.#again(120, () => this.newcomers.register()),
      this.#again(300, () => this.newcomers.change(this.#options.pick)),
      this.#again(100, () => this.keeper.comeAndGo()),
    ];
    this.#running = Promise.all(loops);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
    for (const { asker } of this.#guests.splice(0)) asker.destroy();
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
  async checkOnline(expected: readonly string[]): Promise<void> {
    const asker = await this.#comeIn();
    if (asker === undefined) return;
    const wanted = [...expected, READER].sort().join();
    let seen = '';
    await until('everybody who has gone to be offline', async () => {
      seen = namesIn(await asker.ok('who'))
        .sort()
        .join();
      return seen === wanted;
    }).catch(() => this.#options.findings.report('ghost', `online are ${seen}, and should be ${wanted}`));
    asker.destroy();
  }

  /** Waits until a search finds it, and says that it looked everywhere. */
  async checkSearch({ text }: Saying, id: number): Promise<void> {
    const asker = await this.#comeIn();
    if (asker === undefined) return;
    let last: Frame | undefined;
    await until('a search to find what was stored', async () => {
      last = await asker.ask('search', phraseOf(text));
      return idsIn(last).includes(id) && isComplete(last);
    }).catch(() =>
      this.#options.findings.report('no recovery', `search: ${JSON.stringify(last).slice(0, 200)}`),
    );
    asker.destroy();
  }

  async #again(pauseMs: number, work: () => Promise<unknown>): Promise<void> {
    while (!this.#isOver) {
      await work();
      await new Promise((resolve) => setTimeout(resolve, this.#options.pick(pauseMs)));
    }
  }

  /** Reads go on: who comes in without a last id, looks back, looks around, searches. */
  async #look(): Promise<void> {
    const { findings, newestIn, pick } = this.#options;
    const room = pick(2) === 0 ? '#north' : '#south';
    const newest = newestIn(room);
    const asker = await this.#comeIn();
    if (asker === undefined) return;
    const page = await asker.ask('history', room, null, 50);
    if (page?.[0] !== 'ok') findings.report('not read', `history: ${JSON.stringify(page)}`);
    else if (newest !== undefined && (idsIn(page)[0] ?? 0) < newest.id) {
      findings.report('not read', `history of ${room} ends with ${idsIn(page)[0]}, stored was ${newest.id}`);
    }
    for (const verb of ['who', 'rooms']) {
      const answer = await asker.ask(verb);
      if (answer?.[0] !== 'ok') findings.report('not read', `${verb}: ${JSON.stringify(answer)}`);
    }
    this.counts.reads += 3;
    if (newest !== undefined) await this.#search(asker, newest.saying, newest.id);
    asker.destroy();
  }

  async #search(asker: Asker, { text }: Saying, id: number): Promise<void> {
    const answer = await asker.ask('search', phraseOf(text));
    this.counts.searches += 1;
    // The index is written, too: it may be that there is none for a while.
    if (answer?.[0] !== 'ok') this.counts['searches refused'] += 1;
    else if (isComplete(answer) && !idsIn(answer).includes(id)) {
      this.#options.findings.report('not read', `a complete search for "${phraseOf(text)}" without ${id}`);
    }
  }

  async #comeIn(): Promise<Asker | undefined> {
    const { port, findings } = this.#options;
    const asker = await Asker.open(port);
    const answer = await asker.ask('login', READER, passwordOf(READER));
    if (answer?.[0] === 'ok') {
      await until('a reader to be live', () => asker.events.some((event) => event[0] === 'live'));
      return asker;
    }
    if (answer?.[2] !== 'busy') findings.report('not read', `login: ${JSON.stringify(answer)}`);
    asker.destroy();
    return undefined;
  }

  async #roam(): Promise<void> {
    const { talkers, pick } = this.#options;
    const talker = talkers[pick(talkers.length)];
    const room = ROAMED[pick(ROAMED.length)] ?? '';
    if (talker === undefined) return;
    const place = `${talker.name} ${room}`;
    const verb = this.#places.get(place) === true ? 'leave' : 'join';
    const answer = await talker.ask(verb, room);
    this.counts.moves += 1;
    const code = answer?.[2];
    if (answer?.[0] === 'ok') this.#places.set(place, verb === 'join');
    else if (answer === undefined || code === 'storage_failed') this.#places.set(place, undefined);
    else if (code !== 'storage_full') this.#odd(verb, answer);
  }

  /** Somebody comes; or one of those who are there says something and goes, all in one breath. */
  async #visit(): Promise<void> {
    const { pick } = this.#options;
    if (this.#guests.length < GUESTS && (await this.#guestComes())) return;
    const guest = this.#guests.shift();
    if (guest === undefined) return;
    const { name, asker } = guest;
    const room = `${LOBBY}-${pick(3)}`;
    const joined = asker.ask('join', room);
    const said = this.#say(asker, this.#options.verdicts.say(name, room, 0));
    // A guest has no token: the end of the session is all that a logout is.
    const isPolite = pick(2) === 0;
    const left = isPolite ? asker.ask('logout') : joined;
    if (isPolite || pick(2) === 0) await said;
    const answer = await left;
    if (isPolite && answer?.[0] === 'error') this.#odd('logout', answer);
    asker.destroy();
  }

  async #guestComes(): Promise<boolean> {
    const { port } = this.#options;
    this.counts.guests += 1;
    const name = `guest-${this.counts.guests}`;
    const asker = await Asker.open(port);
    const answer = await asker.ask('guest', name);
    if (answer?.[0] === 'ok') {
      this.#guests.push({ name, asker });
      return true;
    }
    this.counts['guests refused'] += 1;
    const isStorage = answer?.[2] === 'storage_full' || answer?.[2] === 'storage_failed';
    if (!isStorage) this.#odd('guest', answer);
    asker.destroy();
    return false;
  }

  async #say(asker: Asker, saying: Saying): Promise<void> {
    const { verdicts } = this.#options;
    const answer = await asker.ask('send', saying.to, saying.text, saying.key);
    if (answer?.[0] === 'ok' && Array.isArray(answer[2])) verdicts.stored(saying, Number(answer[2][0]));
    else if (answer?.[2] === 'storage_failed') verdicts.failed(saying);
    else if (answer !== undefined) verdicts.refused(saying, String(answer[2]));
  }

  #odd(what: string, answer: Frame | undefined): void {
    this.#options.findings.report('odd answer', `${what}: ${JSON.stringify(answer)}`);
  }
}

/** The first words of a text are its author and a number, and occur once. */
function phraseOf(text: string): string {
  return `"${text.split(' ').slice(0, 2).join(' ')}"`;
}

function rowsIn(answer: unknown): unknown[] {
  return Array.isArray(answer) && Array.isArray(answer[0]) ? answer[0] : [];
}

function namesIn(page: unknown): string[] {
  return rowsIn(page).flatMap((row) => (Array.isArray(row) && row[1] === true ? [String(row[0])] : []));
}

function idsIn(answer: Frame | undefined): number[] {
  return rowsIn(answer?.[2]).map((row) => (Array.isArray(row) ? Number(row[0]) : Number.NaN));
}

function isComplete(answer: Frame | undefined): boolean {
  const page = answer?.[2];
  return Array.isArray(page) && page[2] === true;
}
