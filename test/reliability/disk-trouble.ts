/**
 * A real server whose disk fails for a while, again and again, while people talk, come in, look back, move, register and
 * visit: what was acknowledged stays, what was refused as not stored is not there, reads go on, nothing dies, and
 * writing works again by itself when the disk does.
 */

import { until } from '../support/process.ts';
import { type Pick, startRandom } from '../transport/hostile.ts';
import { type CampaignOptions, type CampaignResult, Findings } from './campaign.ts';
import { passwordOf, writeCheapUsers } from './cheap-users.ts';
import { READER, Visitors } from './disk-visitors.ts';
import { KEEPER } from './keeper.ts';
import { Asker } from './link.ts';
import { checkIntegrity, readMessages } from './stored.ts';
import { readMembers } from './stored-members.ts';
import { Talker } from './talker.ts';
import type { Scene, Trouble } from './trouble.ts';
import { type Saying, VERDICT_KINDS, Verdicts } from './verdicts.ts';
import { freePort } from './victim.ts';
import { WatchedServer } from './watched-server.ts';

export interface DiskTroubleOptions extends CampaignOptions {
  readonly data: string;
  readonly env: Readonly<Record<string, string>>;
  readonly trouble: (cycle: number, pick: Pick) => Trouble;
}

const ROOMS = ['#north', '#south'];
const NAMES = ['ann', 'ben', 'cat', 'dan', 'eva'];
/** What everybody together may say in a cycle. */
const SAYINGS = 500;
const BURST = 60;
/** How long a trouble lasts at least, and until it has been noticed at most, in ms. */
const LASTS_MS = 400;
const UNNOTICED_MS = 1_500;
/** Within which writing must work again. */
const RECOVERY_MS = 5_000;

export class DiskTrouble {
  readonly #options: DiskTroubleOptions;
  readonly #port: number;
  readonly #findings = new Findings(
    ...VERDICT_KINDS,
    'gap',
    'repeat',
    'odd answer',
    'not read',
    'connection lost',
    'died',
    'no recovery',
    'ghost',
    'damaged',
  );
  readonly #verdicts = new Verdicts(this.#findings);
  readonly #talkers: readonly Talker[];
  readonly #visitors: Visitors;
  readonly #newest = new Map<string, { readonly saying: Saying; readonly id: number }>();
  readonly #server: WatchedServer;
  #pick: Pick;
  /** What may still be said in this cycle. */
  #budget = 0;
  #cycles = 0;
  #unnoticed = 0;
  #longestRecoveryMs = 0;
  #stoppedInIt = 0;

  static async run(options: DiskTroubleOptions): Promise<CampaignResult> {
    const campaign = new DiskTrouble(options, await freePort());
    try {
      return await campaign.#run();
    } finally {
      campaign.#server.abandon();
    }
  }

  private constructor(options: DiskTroubleOptions, port: number) {
    this.#options = options;
    this.#port = port;
    this.#pick = startRandom(options.seed);
    const { data, workers, env } = options;
    this.#server = new WatchedServer({ data, port, workers, env, findings: this.#findings });
    const shared = { port, verdicts: this.#verdicts, findings: this.#findings };
    const pick: Pick = (below) => this.#pick(below);
    this.#talkers = NAMES.map((name) => new Talker({ ...shared, name, rooms: new Set(ROOMS), pick }));
    const newestIn = (room: string) => this.#newest.get(room);
    this.#visitors = new Visitors({ ...shared, talkers: this.#talkers, newestIn, pick });
    for (const talker of this.#talkers) {
      talker.onStored = (saying, id) => {
        if (id > (this.#newest.get(saying.to)?.id ?? 0)) this.#newest.set(saying.to, { saying, id });
        this.#talk(talker);
      };
      talker.onRefused = () => void setTimeout(() => this.#talk(talker), 20);
    }
  }

  async #run(): Promise<CampaignResult> {
    const { cycles, seed, data, log } = this.#options;
    writeCheapUsers(data, [...NAMES, READER, KEEPER]);
    await this.#server.start();
    await this.#settleIn();
    for (let cycle = 1; cycle <= cycles && this.#findings.total === 0; cycle += 1) {
      this.#pick = startRandom(Math.imul(seed + 1, 0x9e3779b1) ^ cycle);
      const trouble = this.#options.trouble(cycle, this.#pick);
      await this.#cycle(trouble);
      this.#cycles = cycle;
      log(`cycle ${cycle}: ${trouble.title}; ${JSON.stringify(this.#verdicts.counts)}`);
    }
    this.#leave();
    await this.#server.stop();
    return { figures: this.#figures(), findings: this.#findings };
  }

  async #cycle(trouble: Trouble): Promise<void> {
    const scene: Scene = {
      data: this.#options.data,
      pick: this.#pick,
      stored: () => this.#verdicts.counts.stored,
      burst: () => this.#burst(),
    };
    this.#budget = SAYINGS;
    this.#visitors.start();
    for (const talker of this.#talkers) {
      for (let i = this.#pick(20); i >= 0; i -= 1) this.#talk(talker);
    }
    await trouble.when(scene);
    await this.#suffer(trouble);
    await this.#recover();
    await this.#visitors.stop();
    await this.#settle();
    if (this.#pick(3) === 0) await this.#endInIt(trouble);
    await this.#restart();
  }

  /** Until somebody has noticed it, and then for a while. */
  async #suffer(trouble: Trouble): Promise<void> {
    const { counts } = this.#verdicts;
    const before = counts.full + counts.failed;
    const started = performance.now();
    let noticedAt: number | undefined;
    const lastsMs = this.#pick(LASTS_MS);
    trouble.begin();
    try {
      for (let now = started; now - (noticedAt ?? now) <= lastsMs; now = performance.now()) {
        if (counts.full + counts.failed > before) noticedAt ??= now;
        else if (now - started > UNNOTICED_MS) break;
        // There is always somebody who has something to say.
        this.#budget = Math.max(this.#budget, NAMES.length);
        for (const talker of this.#talkers) if (talker.outstanding === 0) this.#talk(talker);
        await new Promise((resolve) => setTimeout(resolve, 5));
        trouble.keep();
      }
    } finally {
      trouble.end();
    }
    if (noticedAt === undefined) this.#unnoticed += 1;
  }

  /** A message, a join and a registration, all within the time. */
  async #recover(): Promise<void> {
    const started = performance.now();
    const asker = await Asker.open(this.#port);
    await this.#repeatedly('login', () => asker.ask('login', READER, passwordOf(READER)));
    await this.#repeatedly('join', () => asker.ask('join', '#recovered'));
    await this.#repeatedly('leave', () => asker.ask('leave', '#recovered'));
    asker.destroy();
    for (;;) {
      if (await this.#visitors.newcomers.register()) break;
      if (performance.now() - started < RECOVERY_MS) continue;
      this.#findings.report('no recovery', `nobody can register within ${RECOVERY_MS} ms`);
      break;
    }
    this.#longestRecoveryMs = Math.max(this.#longestRecoveryMs, performance.now() - started);
  }

  async #repeatedly(what: string, ask: () => Promise<readonly unknown[] | undefined>): Promise<void> {
    const deadline = performance.now() + RECOVERY_MS;
    for (;;) {
      const answer = await ask();
      if (answer?.[0] === 'ok') return;
      if (performance.now() > deadline) {
        this.#findings.report('no recovery', `${what}: ${JSON.stringify(answer)} for ${RECOVERY_MS} ms`);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Everything is certain, and everybody has got what they must. */
  async #settle(): Promise<void> {
    const { data } = this.#options;
    this.#budget = 0;
    for (const talker of this.#talkers) await talker.settled();
    await this.#visitors.newcomers.settle();
    await this.#visitors.keeper.check();
    await this.#visitors.checkOnline(NAMES);
    const newest = this.#newest.get('#north');
    if (newest !== undefined) await this.#visitors.checkSearch(newest.saying, newest.id);
    const messages = readMessages(data, 0);
    for (const talker of this.#talkers) {
      await talker.got(talker.newestDue(messages));
      talker.check(messages);
    }
    this.#verdicts.check(messages, 'while it runs');
    this.#visitors.checkPlaces(readMembers(data));
    await this.#compareRooms();
  }

  /** What the server says of who is where, against the log. Guests who went with a server are taken out later. */
  async #compareRooms(): Promise<void> {
    const asker = await Asker.open(this.#port);
    await asker.ok('login', READER, passwordOf(READER));
    let difference = '';
    await until('memory and log to agree on who is where', async () => {
      const told = new Set<string>();
      for (const [room] of rowsOf(await asker.ok('rooms'))) {
        for (const [user] of rowsOf(await asker.ok('who', room))) told.add(`${user} ${room}`);
      }
      difference = [...told.symmetricDifference(readMembers(this.#options.data))].join();
      return difference === '';
    }).catch(() => this.#findings.report('damaged', `in the log or in memory only: ${difference}`));
    asker.destroy();
  }

  /** The server is stopped, or killed, while the disk fails. */
  async #endInIt(trouble: Trouble): Promise<void> {
    this.#stoppedInIt += 1;
    this.#budget = SAYINGS;
    for (const talker of this.#talkers) this.#talk(talker);
    trouble.begin();
    const untilMs = performance.now() + this.#pick(LASTS_MS);
    while (performance.now() < untilMs) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      trouble.keep();
    }
    this.#leave();
    try {
      if (this.#pick(2) === 0) await this.#server.stop();
      else await this.#server.kill();
    } finally {
      trouble.end();
    }
    this.#verdicts.check(readMessages(this.#options.data, 0), 'after an end in trouble');
    await this.#server.start();
    await this.#enter();
    await this.#settle();
  }

  async #restart(): Promise<void> {
    const { data } = this.#options;
    this.#leave();
    await this.#server.stop();
    this.#verdicts.check(readMessages(data, 0), 'after a stop');
    const integrity = checkIntegrity(data);
    if (integrity !== 'ok') this.#findings.report('damaged', integrity);
    await this.#server.start();
    await this.#enter();
    await this.#visitors.newcomers.checkAll();
    await this.#visitors.keeper.check();
    await this.#compareRooms();
  }

  /** For the first time. */
  async #settleIn(): Promise<void> {
    await this.#enter();
    for (const talker of this.#talkers) for (const room of ROOMS) await talker.ask('join', room);
    const asker = await Asker.open(this.#port);
    await asker.ok('login', READER, passwordOf(READER));
    for (const room of ROOMS) await asker.ok('join', room);
    asker.destroy();
  }

  async #enter(): Promise<void> {
    for (const talker of this.#talkers) {
      const answer = await talker.enter();
      if (answer?.[0] !== 'ok')
        throw new Error(`${talker.name} could not come in: ${JSON.stringify(answer)}`);
    }
  }

  #leave(): void {
    this.#budget = 0;
    for (const talker of this.#talkers) talker.leave();
    this.#visitors.newcomers.reset();
  }

  #talk(talker: Talker): void {
    if (this.#budget <= 0 || !talker.isConnected) return;
    this.#budget -= 1;
    const to = this.#pick(3) === 0 ? NAMES[this.#pick(NAMES.length)] : ROOMS[this.#pick(ROOMS.length)];
    const padding = this.#pick(10) === 0 ? this.#pick(6_000) : this.#pick(200);
    talker.say(this.#verdicts.say(talker.name, to ?? talker.name, padding));
  }

  #burst(): void {
    for (const talker of this.#talkers) for (let i = 0; i < BURST; i += 1) this.#talk(talker);
  }

  #figures(): CampaignResult['figures'] {
    const { stored, full, failed } = this.#verdicts.counts;
    return {
      cycles: this.#cycles,
      'troubles that nobody who talked noticed': this.#unnoticed,
      'ends in the middle of it': this.#stoppedInIt,
      acknowledged: stored,
      'storage_full, storage_failed': `${full}, ${failed}`,
      'accounts and passwords': counted(this.#visitors.newcomers.counts),
      'resume tokens': counted(this.#visitors.keeper.counts),
      ...this.#visitors.counts,
      'longest recovery, ms': Math.round(this.#longestRecoveryMs),
    };
  }
}

function counted(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([what, count]) => `${what} ${count}`)
    .join(', ');
}

function rowsOf(page: unknown): unknown[][] {
  return Array.isArray(page) && Array.isArray(page[0]) ? page[0].filter(Array.isArray) : [];
}
