/**
 * SIGTERM and a new server, under load. Two dozen clients in four rooms say something at a steady rate, whether they are
 * connected or not, and come back by themselves as the server told them; what each of them has got in the end is
 * compared with the log, and how long each had to wait is measured.
 */

import { setTimeout as wait } from 'node:timers/promises';
import { type Pick, startRandom } from '../transport/hostile.ts';
import { type CampaignOptions, type CampaignResult, Findings } from './campaign.ts';
import { Chatter } from './chatter.ts';
import { writeCheapUsers } from './cheap-users.ts';
import { KINDS, Oracle, type Viewer } from './oracle.ts';
import { Pauses } from './pauses.ts';
import { readMessages } from './stored.ts';
import { freePort, Victim } from './victim.ts';

const ROOMS = ['#north', '#east', '#south', '#west'];
const CLIENTS = 24;
/** What one client says: on average every so many ms. */
const EVERY_MS = 80;
/** How long the load goes on before the next SIGTERM, at most and at least. */
const CALM_MS = { least: 300, most: 1_500 };
const EXIT_MS = 5_000;
/** A server that cannot be reached is tried again after this. */
const AGAIN_MS = 100;

export async function restartUnderLoad(options: CampaignOptions): Promise<CampaignResult> {
  const campaign = new Restarts(options, await freePort());
  return campaign.run();
}

class Restarts {
  readonly #options: CampaignOptions;
  readonly #findings = new Findings(...KINDS, 'bad exit', 'no farewell');
  readonly #people: readonly Viewer[];
  readonly #oracle: Oracle;
  readonly #victim: Victim;
  readonly #chatters: readonly Chatter[];
  readonly #pauses = new Pauses();
  readonly #pick: Pick;
  readonly #comingBack = new Set<Promise<void>>();
  #isOver = false;
  #longestExitMs = 0;
  #lostAtTheDoor = 0;
  #failure: unknown;

  constructor(options: CampaignOptions, port: number) {
    this.#options = options;
    this.#pick = startRandom(options.seed);
    this.#victim = new Victim(`${options.folder}/data`, port, ['--workers', String(options.workers)]);
    this.#people = Array.from({ length: CLIENTS }, (_, i) => ({
      name: `person-${i}`,
      rooms: new Set(ROOMS.filter((_, room) => room === i % ROOMS.length || this.#pick(2) === 0)),
    }));
    this.#oracle = new Oracle(this.#findings, this.#people);
    const shared = { port, oracle: this.#oracle, findings: this.#findings };
    this.#chatters = this.#people.map((person) => new Chatter({ ...person, ...shared }));
  }

  async run(): Promise<CampaignResult> {
    const { cycles, log } = this.#options;
    writeCheapUsers(
      this.#victim.data,
      this.#people.map(({ name }) => name),
    );
    await this.#victim.start();
    for (const chatter of this.#chatters) await this.#setUp(chatter);
    const talking = this.#chatters.map((chatter) => this.#talk(chatter));
    let cycle = 0;
    while (cycle < cycles && this.#findings.total === 0 && this.#failure === undefined) {
      cycle += 1;
      await this.#cycle();
      if (cycle % 10 === 0) log(`cycle ${cycle}: ${this.#oracle.acknowledged} acknowledged`);
    }
    this.#isOver = true;
    await Promise.all(talking);
    if (this.#failure !== undefined) throw this.#failure;
    await this.#finish();
    return { figures: this.#figures(cycle), findings: this.#findings };
  }

  async #cycle(): Promise<void> {
    await wait(CALM_MS.least + this.#pick(CALM_MS.most - CALM_MS.least));
    for (const chatter of this.#chatters) chatter.farewell = undefined;
    const asked = performance.now();
    const { code } = await this.#victim.stop();
    const exitMs = Math.round(performance.now() - asked);
    this.#longestExitMs = Math.max(this.#longestExitMs, exitMs);
    if (code !== 0 || exitMs > EXIT_MS) {
      this.#findings.report('bad exit', `code ${code}, after ${exitMs} ms: ${this.#victim.running.stderr()}`);
    }
    await this.#victim.start();
    for (const chatter of this.#chatters) {
      await chatter.settled('everybody to be back', () => chatter.isLive || this.#failure !== undefined);
    }
  }

  async #setUp(chatter: Chatter): Promise<void> {
    await chatter.enter();
    await chatter.join();
    chatter.onGot = () => this.#pauses.got(chatter.name);
    chatter.onAcknowledged = () => this.#pauses.got(chatter.name);
    chatter.onEnded = (wasLive) => {
      this.#pauses.lost(chatter.name);
      this.#checkFarewell(chatter, wasLive);
      const back = this.#comeBack(chatter).catch((error: unknown) => {
        this.#failure = error;
      });
      this.#comingBack.add(back);
      void back.then(() => this.#comingBack.delete(back));
    };
  }

  /** Who is only coming in may meet a server that looks whether the port is free, and is not served yet. */
  #checkFarewell({ name, farewell }: Chatter, wasLive: boolean): void {
    if (!wasLive) this.#lostAtTheDoor += 1;
    else if (farewell?.code !== 'shutdown') {
      this.#findings.report('no farewell', `${name} was told ${JSON.stringify(farewell)}`);
    }
  }

  /** As told by `bye`, with some chance in it; and then again and again. */
  async #comeBack(chatter: Chatter): Promise<void> {
    let delayMs = chatter.farewell?.retryAfterMs ?? AGAIN_MS;
    for (;;) {
      await wait(delayMs + this.#pick(AGAIN_MS));
      // A connection that is lost while it comes in calls for a return of its own.
      if ((await chatter.enter()) !== 'refused') return;
      delayMs = AGAIN_MS;
    }
  }

  async #talk(chatter: Chatter): Promise<void> {
    while (!this.#isOver) {
      await wait(this.#pick(2 * EVERY_MS));
      const rooms = [...chatter.rooms];
      const to = this.#pick(3) === 0 ? this.#somebody() : rooms[this.#pick(rooms.length)];
      chatter.send(this.#oracle.attempt(chatter.name, to ?? chatter.name, this.#pick(200)));
    }
  }

  #somebody(): string | undefined {
    return this.#people[this.#pick(CLIENTS)]?.name;
  }

  async #finish(): Promise<void> {
    for (const chatter of this.#chatters) {
      await chatter.settled(
        'everything to be acknowledged',
        () => chatter.isLive && chatter.pending.size === 0,
      );
    }
    this.#oracle.check(readMessages(this.#victim.data, 0));
    for (const chatter of this.#chatters) {
      const newest = this.#oracle.dueTo(chatter.name).at(-1)?.id ?? 0;
      // What does not come is reported as a gap.
      await chatter
        .settled('everybody to have got everything', () => chatter.cursor >= newest)
        .catch(() => {});
      this.#oracle.checkView(chatter.name, chatter.takeView());
      this.#oracle.checkComplete(chatter.name);
      chatter.onEnded = () => {};
    }
    await this.#victim.stop();
  }

  #figures(cycles: number): CampaignResult['figures'] {
    const entries = this.#chatters.map((chatter) => chatter.entries);
    const total = (of: keyof Chatter['entries']): number => entries.reduce((sum, e) => sum + e[of], 0);
    return {
      cycles,
      clients: CLIENTS,
      acknowledged: this.#oracle.acknowledged,
      'longest pause, ms': this.#pauses.longestMs,
      'median pause, ms': this.#pauses.medianMs,
      'longest time to the exit, ms': this.#longestExitMs,
      'came back by login, by resume': `${total('login')}, ${total('resume')}`,
      'told at the door to try again': total('notYet'),
      'lost at the door': this.#lostAtTheDoor,
    };
  }
}
