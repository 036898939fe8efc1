/**
 * A real server whose disk fails for a while, again and again, while people talk, come in, look back, move, register and
 * visit: what was acknowledged stays, what was refused as not stored is not there, reads go on, nothing dies, and
 * writing works again by itself when the disk does.
 */

import { TestClient } from '../../support/client.ts';
import { type Pick, startCycle, startRandom } from '../../support/random.ts';
import { passwordOf, writeCheapUsers } from '../accounts/cheap-accounts.ts';
import { KEEPER } from '../accounts/token-user.ts';
import { type CampaignOptions, type CampaignResult, Findings } from '../campaign.ts';
import { freePort } from '../kill/campaign-server.ts';
import { checkIntegrity, readEntries, readMembers, readMessages } from '../views/stored-log.ts';
import { KINDS } from '../views/view-faults.ts';
import type { Trouble } from './fault-window.ts';
import { VERDICT_KINDS, Verdicts } from './send-outcomes.ts';
import { DiskLoad, TALKERS } from './talkers.ts';
import { QUIET, READER, Visitors } from './visitors.ts';
import { WatchedServer } from './watched-server.ts';

export interface DiskTroubleOptions extends CampaignOptions {
  readonly data: string;
  readonly env: Readonly<Record<string, string>>;
  readonly trouble: (cycle: number, pick: Pick) => Trouble;
}

/** How long a trouble lasts once it has been noticed, at most, and how long it is waited for that, in ms. */
const LASTS_MS = 400;
const UNNOTICED_MS = 1_500;
/** Within which writing must work again. */
const RECOVERY_MS = 5_000;
const AGAIN_MS = 20;

export class DiskTrouble {
  readonly #options: DiskTroubleOptions;
  readonly #port: number;
  readonly #findings = new Findings(
    ...VERDICT_KINDS,
    ...KINDS,
    'odd answer',
    'not read',
    'connection lost',
    'died',
    'no recovery',
    'ghost',
    'damaged',
  );
  readonly #verdicts = new Verdicts(this.#findings);
  readonly #server: WatchedServer;
  readonly #load: DiskLoad;
  readonly #visitors: Visitors;
  #pick: Pick;
  readonly #counts = { cycles: 0, unnoticed: 0, ends: 0, starts: 0, 'starts refused': 0 };
  #longestRecoveryMs = 0;

  static async run(options: DiskTroubleOptions): Promise<CampaignResult> {
    const campaign = new DiskTrouble(options, await freePort());
    try {
      return await campaign.#run();
    } finally {
      campaign.#server.shoot();
    }
  }

  private constructor(options: DiskTroubleOptions, port: number) {
    const { data, workers, env } = options;
    this.#options = options;
    this.#port = port;
    this.#pick = startRandom(options.seed);
    const pick: Pick = (below) => this.#pick(below);
    const shared = { port, verdicts: this.#verdicts, findings: this.#findings, pick };
    const args = ['--workers', String(workers), '--guests', '--commands-per-second', '0'];
    this.#server = new WatchedServer({ data, port, args, env }, this.#findings);
    this.#load = new DiskLoad(shared);
    this.#visitors = new Visitors({ ...shared, load: this.#load });
  }

  async #run(): Promise<CampaignResult> {
    const { cycles, seed, data, log } = this.#options;
    writeCheapUsers(data, [...TALKERS, READER, KEEPER, ...QUIET]);
    await this.#server.start();
    await this.#load.enter();
    await this.#load.join();
    await this.#visitors.settleIn();
    for (let cycle = 1; cycle <= cycles && this.#findings.total === 0; cycle += 1) {
      this.#pick = startCycle(seed, cycle);
      const trouble = this.#options.trouble(cycle, this.#pick);
      await this.#cycle(trouble);
      this.#counts.cycles = cycle;
      log(`cycle ${cycle}: ${trouble.title}; ${counted(this.#verdicts.counts)}`);
    }
    this.#leave();
    await this.#server.stop();
    return { figures: this.#figures(), findings: this.#findings };
  }

  async #cycle(trouble: Trouble): Promise<void> {
    this.#load.start();
    this.#visitors.start();
    await trouble.when({
      data: this.#options.data,
      pick: this.#pick,
      stored: () => this.#verdicts.counts.stored,
      burst: () => this.#load.burst(),
    });
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
        this.#load.goOn();
        await passing(trouble);
      }
    } finally {
      trouble.end();
    }
    if (noticedAt === undefined) this.#counts.unnoticed += 1;
  }

  /** Something new can be written, into the log and into the password store, within the time. */
  async #recover(): Promise<void> {
    const client = await TestClient.connect(`127.0.0.1:${this.#port}`);
    await client.ask('login', READER, passwordOf(READER));
    const works = async (verb: string): Promise<boolean> =>
      (await client.ask(verb, '#recovered'))?.[0] === 'ok';
    await this.#within('join', () => works('join'));
    await this.#within('leave', () => works('leave'));
    await this.#within('register', () => this.#visitors.newcomers.register());
    client.close();
  }

  async #within(what: string, works: () => Promise<boolean>): Promise<void> {
    const started = performance.now();
    while (!(await works())) {
      if (performance.now() - started > RECOVERY_MS) {
        this.#findings.report('no recovery', `${what} did not work for ${RECOVERY_MS} ms`);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
    this.#longestRecoveryMs = Math.max(this.#longestRecoveryMs, performance.now() - started);
  }

  /** Everything is certain, and everybody has got what they must. */
  async #settle(): Promise<void> {
    const { data } = this.#options;
    await this.#load.settle();
    await this.#visitors.settle(TALKERS);
    await this.#load.check(readEntries(data, 0));
    this.#verdicts.check(readMessages(data), 'while it runs');
    this.#visitors.checkPlaces(readMembers(data));
    await this.#visitors.compareRooms(data);
  }

  /** The server is stopped, or killed, while the disk fails; and perhaps it can even start. */
  async #endInIt(trouble: Trouble): Promise<void> {
    this.#counts.ends += 1;
    this.#load.start();
    trouble.begin();
    const untilMs = performance.now() + this.#pick(LASTS_MS);
    while (performance.now() < untilMs) await passing(trouble);
    this.#leave();
    try {
      if (this.#pick(2) === 0) await this.#server.stop();
      else await this.#server.kill();
      trouble.keep();
      if (await this.#server.tryToStart()) {
        this.#counts.starts += 1;
        await this.#server.stop();
      } else {
        this.#counts['starts refused'] += 1;
      }
    } finally {
      trouble.end();
    }
    this.#verdicts.check(readMessages(this.#options.data), 'after an end in trouble');
    await this.#server.start();
    await this.#load.enter();
    await this.#settle();
  }

  async #restart(): Promise<void> {
    const { data } = this.#options;
    this.#leave();
    await this.#server.stop();
    this.#verdicts.check(readMessages(data), 'after a stop');
    const integrity = checkIntegrity(data);
    if (integrity !== 'ok') this.#findings.report('damaged', integrity);
    await this.#server.start();
    await this.#load.enter();
    await this.#visitors.checkAgain();
    await this.#visitors.compareRooms(data);
  }

  #leave(): void {
    this.#load.leave();
    this.#visitors.newcomers.reset();
  }

  #figures(): CampaignResult['figures'] {
    const { stored, full, failed } = this.#verdicts.counts;
    const { cycles, unnoticed, ends, starts, 'starts refused': refused } = this.#counts;
    return {
      cycles,
      'troubles that nobody who talked noticed': unnoticed,
      'ends in the middle of it; starts in it that worked, that were refused': `${ends}; ${starts}, ${refused}`,
      acknowledged: stored,
      'storage_full, storage_failed': `${full}, ${failed}`,
      'accounts and passwords': counted(this.#visitors.newcomers.counts),
      'resume tokens': counted(this.#visitors.keeper.counts),
      visitors: counted({ ...this.#visitors.counts, ...this.#visitors.guests.counts }),
      'longest until something could be written again, ms': Math.round(this.#longestRecoveryMs),
    };
  }
}

async function passing(trouble: Trouble): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 5));
  trouble.keep();
}

function counted(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([what, count]) => `${what} ${count}`)
    .join(', ');
}
