/**
 * Runs a real server whose disk fails for a while, again and again, while clients send, log in, read history,
 * join, register and visit. What was acknowledged stays, what was refused as not stored is absent, reads
 * continue, no thread dies, and writing recovers by itself when the disk does.
 */

import { TestClient } from '../../support/client.ts';
import { type Pick, startCycle, startRandom } from '../../support/random.ts';
import { passwordOf, writeCheapUsers } from '../accounts/cheap-accounts.ts';
import { TOKEN_USER } from '../accounts/token-user.ts';
import { type CampaignOptions, type CampaignResult, Findings } from '../campaign.ts';
import { freePort } from '../kill/campaign-server.ts';
import { checkIntegrity, readEntries, readMembers, readMessages } from '../views/stored-log.ts';
import { VIEW_FAULTS } from '../views/view-faults.ts';
import type { FaultWindow } from './fault-window.ts';
import { OUTCOME_FINDINGS, SendOutcomes } from './send-outcomes.ts';
import { TALKERS, Talkers } from './talkers.ts';
import { QUIET, READER, Visitors } from './visitors.ts';
import { WatchedServer } from './watched-server.ts';

export interface DiskCampaignOptions extends CampaignOptions {
  readonly data: string;
  readonly env: Readonly<Record<string, string>>;
  readonly window: (cycle: number, pick: Pick) => FaultWindow;
}

/**
 * How long a fault lasts once a sender has noticed it, and how long the campaign waits for that, in
 * milliseconds.
 */
const LASTS_MS = 400;
const UNNOTICED_MS = 1_500;
/** The time in which writing must work again. */
const RECOVERY_MS = 5_000;
const AGAIN_MS = 20;

export class DiskCampaign {
  readonly #options: DiskCampaignOptions;
  readonly #port: number;
  readonly #findings = new Findings(
    ...OUTCOME_FINDINGS,
    ...VIEW_FAULTS,
    'odd answer',
    'not read',
    'connection lost',
    'died',
    'no recovery',
    'ghost',
    'damaged',
  );
  readonly #outcomes = new SendOutcomes(this.#findings);
  readonly #server: WatchedServer;
  readonly #talkers: Talkers;
  readonly #visitors: Visitors;
  #pick: Pick;
  #cycles = 0;
  #longestRecoveryMs = 0;

  static async run(options: DiskCampaignOptions): Promise<CampaignResult> {
    const campaign = new DiskCampaign(options, await freePort());
    try {
      return await campaign.#run();
    } finally {
      campaign.#server.shoot();
    }
  }

  private constructor(options: DiskCampaignOptions, port: number) {
    const { data, workers, env } = options;
    this.#options = options;
    this.#port = port;
    this.#pick = startRandom(options.seed);
    const pick: Pick = (below) => this.#pick(below);
    const shared = { port, outcomes: this.#outcomes, findings: this.#findings, pick };
    const args = ['--workers', String(workers), '--guests', '--commands-per-second', '0'];
    this.#server = new WatchedServer({ data, port, args, env }, this.#findings);
    this.#talkers = new Talkers(shared);
    this.#visitors = new Visitors({ ...shared, talkers: this.#talkers });
  }

  async #run(): Promise<CampaignResult> {
    const { cycles, seed, data, log } = this.#options;
    writeCheapUsers(data, [...TALKERS, READER, TOKEN_USER, ...QUIET]);
    await this.#server.start();
    await this.#talkers.enter();
    await this.#talkers.join();
    await this.#visitors.settleIn();
    for (let cycle = 1; cycle <= cycles && this.#findings.total === 0; cycle += 1) {
      this.#pick = startCycle(seed, cycle);
      const window = this.#options.window(cycle, this.#pick);
      await this.#cycle(window);
      this.#cycles = cycle;
      log(`cycle ${cycle}: ${window.title}; ${counted(this.#outcomes.counts)}`);
    }
    this.#leave();
    await this.#server.stop();
    return { figures: this.#figures(), findings: this.#findings };
  }

  async #cycle(window: FaultWindow): Promise<void> {
    this.#talkers.start();
    this.#visitors.start();
    await window.when({
      data: this.#options.data,
      pick: this.#pick,
      stored: () => this.#outcomes.counts.stored,
      burst: () => this.#talkers.burst(),
    });
    await this.#suffer(window);
    await this.#recover();
    await this.#visitors.stop();
    await this.#settle();
    if (this.#pick(3) === 0) await this.#endInIt(window);
    await this.#restart();
  }

  /** Lets the disk fail until a sender has noticed it, and for a while after that. */
  async #suffer(window: FaultWindow): Promise<void> {
    const { counts } = this.#outcomes;
    const before = counts.full + counts.failed;
    const started = performance.now();
    let noticedAt: number | undefined;
    const lastsMs = this.#pick(LASTS_MS);
    window.begin();
    try {
      for (let now = started; now - (noticedAt ?? now) <= lastsMs; now = performance.now()) {
        if (counts.full + counts.failed > before) noticedAt ??= now;
        else if (now - started > UNNOTICED_MS) break;
        this.#talkers.goOn();
        await passing(window);
      }
    } finally {
      window.end();
    }
  }

  /** New entries and new accounts can be written within the time. */
  async #recover(): Promise<void> {
    const client = await TestClient.connect(`127.0.0.1:${this.#port}`);
    await client.ask('login', READER, passwordOf(READER));
    const works = async (verb: string): Promise<boolean> =>
      (await client.ask(verb, '#recovered'))?.[0] === 'ok';
    await this.#within('join', () => works('join'));
    await this.#within('leave', () => works('leave'));
    await this.#within('register', () => this.#visitors.registering.register());
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

  /** Waits until every outcome is certain, then compares everything with the log. */
  async #settle(): Promise<void> {
    const { data } = this.#options;
    await this.#talkers.settle();
    await this.#visitors.settle(TALKERS);
    await this.#talkers.check(readEntries(data, 0));
    this.#outcomes.check(readMessages(data), 'while it runs');
    this.#visitors.checkPlaces(readMembers(data));
    await this.#visitors.compareRooms(data);
  }

  /** Stops or kills the server while the disk fails, and perhaps starts it. */
  async #endInIt(window: FaultWindow): Promise<void> {
    this.#talkers.start();
    window.begin();
    const untilMs = performance.now() + this.#pick(LASTS_MS);
    while (performance.now() < untilMs) await passing(window);
    this.#leave();
    try {
      if (this.#pick(2) === 0) await this.#server.stop();
      else await this.#server.kill();
      window.keep();
      if (await this.#server.tryToStart()) await this.#server.stop();
    } finally {
      window.end();
    }
    this.#outcomes.check(readMessages(this.#options.data), 'after an end in window');
    await this.#server.start();
    await this.#talkers.enter();
    await this.#settle();
  }

  async #restart(): Promise<void> {
    const { data } = this.#options;
    this.#leave();
    await this.#server.stop();
    this.#outcomes.check(readMessages(data), 'after a stop');
    const integrity = checkIntegrity(data);
    if (integrity !== 'ok') this.#findings.report('damaged', integrity);
    await this.#server.start();
    await this.#talkers.enter();
    await this.#visitors.checkAgain();
    await this.#visitors.compareRooms(data);
  }

  #leave(): void {
    this.#talkers.leave();
    this.#visitors.registering.reset();
  }

  #figures(): CampaignResult['figures'] {
    const { stored, full, failed } = this.#outcomes.counts;
    return {
      cycles: this.#cycles,
      acknowledged: stored,
      'storage_full, storage_failed': `${full}, ${failed}`,
      'longest until something could be written again, ms': Math.round(this.#longestRecoveryMs),
    };
  }
}

async function passing(window: FaultWindow): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 5));
  window.keep();
}

function counted(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([what, count]) => `${what} ${count}`)
    .join(', ');
}
