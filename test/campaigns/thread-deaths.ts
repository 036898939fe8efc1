/**
 * Makes each kind of thread fail in each way, one after the other, under load: it throws, exits, runs out of
 * memory, spins, or is killed. A new thread replaces it, nothing acknowledged is lost, and clients of other
 * threads stay connected.
 */

import { setTimeout as wait } from 'node:timers/promises';
import { CRASHES, type Crash } from '../../src/actors/kernel/fault-injection.ts';
import { until } from '../support/process.ts';
import { startRandom } from '../support/random.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { type CampaignOptions, type CampaignResult, Findings } from './campaign.ts';
import { CROWD_KINDS, Crowd, startClient } from './crowd/crowd.ts';
import { SteadySenders } from './crowd/steady-senders.ts';
import { freePort } from './kill/campaign-server.ts';

const CLIENTS = 12;
const ROOMS = ['#north', '#south'];
/** Average time between two messages of a client, in milliseconds. */
const EVERY_MS = 25;
/** The watchdog's limit in these runs, and how long a restart may take after that. */
const WATCHDOG_MS = 1_000;
const RESTART_MS = 1_000;
/**
 * The death of a pool thread is not reported, so the time until it is noticed counts too. The thread needs
 * time to fill its heap, and may spin three times as long as another thread.
 */
const HASH_MS: Readonly<Record<Crash, number>> = {
  kill: 0,
  throw: 0,
  exit: 0,
  oom: 2_000,
  spin: 3 * WATCHDOG_MS,
};
/**
 * The supervisor gives up at the third death of a thread within 5 s, so each thread is spared for a little
 * more than half of that.
 */
const SPARED_MS = 2_800;
const HEAP_MB = 64;

/** `cycles` is how often each kind of thread fails in each way. */
export async function killThreads(options: CampaignOptions): Promise<CampaignResult> {
  return new ThreadDeaths(options, await freePort()).run();
}

class ThreadDeaths {
  readonly #options: CampaignOptions;
  readonly #findings = new Findings(...CROWD_KINDS, 'slow restart', 'lost connection', 'server ended');
  readonly #crowd: Crowd;
  readonly #port: number;
  readonly #senders: SteadySenders;
  readonly #times = new Map<string, number[]>();
  readonly #diedAt = new Map<string, number>();
  #restarts = 0;

  constructor(options: CampaignOptions, port: number) {
    this.#options = options;
    this.#port = port;
    const members = Array.from({ length: CLIENTS }, (_, i) => ({ name: `person-${i}`, rooms: ROOMS }));
    const { report } = this.#findings;
    this.#crowd = new Crowd({ data: `${options.folder}/data`, port, members, report });
    this.#senders = new SteadySenders(this.#crowd, startRandom(options.seed));
  }

  async run(): Promise<CampaignResult> {
    const { folder, workers, cycles, log } = this.#options;
    const server = await startServer({
      data: `${folder}/data`,
      args: ['--workers', String(workers), '--port', String(this.#port), '--log-level', 'warn'],
      env: { PARLEY_TEST_WATCHDOG_MS: String(WATCHDOG_MS), PARLEY_TEST_HEAP_MB: String(HEAP_MB) },
    });
    await this.#crowd.enter();
    this.#senders.start(EVERY_MS);
    const threads = ['registry', 'auth', 'archive', 'shard-1', 'hash'];
    try {
      for (let cycle = 0; cycle < cycles; cycle += 1) {
        for (const how of CRASHES) for (const thread of threads) await this.#death(server, thread, how);
        log(`round ${cycle + 1}: ${this.#crowd.acknowledged} acknowledged, ${this.#restarts} restarts`);
      }
    } finally {
      await this.#senders.stop();
    }
    await this.#crowd.finish();
    const { code } = await server.stop();
    if (code !== 0) this.#findings.report('server ended', `with ${code}`);
    return { figures: this.#figures(), findings: this.#findings };
  }

  async #death(server: RunningServer, thread: string, how: Crash): Promise<void> {
    const since = performance.now() - (this.#diedAt.get(thread) ?? Number.NEGATIVE_INFINITY);
    await wait(Math.max(0, SPARED_MS - since));
    await this.#senders.everybodyIsLive();
    const losses = new Set<string>();
    this.#senders.onLost = ({ user }) => losses.add(user);
    const before = server.stderr().length;
    server.crash(thread, how);
    const took =
      thread === 'hash' ? await this.#useHash(how) : await this.#restarted(server, thread, how, before);
    this.#diedAt.set(thread, performance.now());
    if (server.child.exitCode !== null) throw new Error(`the server ended\n${server.stderr()}`);
    await this.#senders.everybodyIsLive();
    const limit = RESTART_MS + (thread === 'hash' ? HASH_MS[how] : how === 'spin' ? 2 * WATCHDOG_MS : 0);
    this.#times.set(how, [...(this.#times.get(how) ?? []), took]);
    this.#restarts += 1;
    if (took > limit) this.#findings.report('slow restart', `${thread}, ${how}: ${Math.round(took)} ms`);
    // Other clients may share the shard that died; clients of other shards must not notice.
    const mayLose = thread === 'shard-1' ? CLIENTS - 1 : 0;
    if (losses.size > mayLose) {
      this.#findings.report('lost connection', `${thread}, ${how}: ${[...losses].join(' ')}`);
    }
  }

  /**
   * Milliseconds from the death of a thread to the start of its successor; for a spinning thread, from the
   * order to spin.
   */
  async #restarted(server: RunningServer, thread: string, how: Crash, before: number): Promise<number> {
    const asked = performance.now();
    const line = new RegExp(`"thread.restarted".*"child":"${thread}","afterMs":(\\d+)`);
    const look = (): string | undefined => line.exec(server.stderr().slice(before))?.[1];
    const state = (): string => server.stderr().slice(before);
    const afterMs = await until(`${thread} to be restarted`, look, { state });
    return how === 'spin' ? performance.now() - asked : Number(afterMs);
  }

  /** Makes the next task of the pool fail; the task after it must be completed in time. */
  async #useHash(how: Crash): Promise<number> {
    const [somebody] = this.#crowd.clients;
    const asked = performance.now();
    const guest = startClient(somebody?.user ?? '', this.#port, () => {});
    // Logs in with the password, and is refused with `unavailable` until a pool thread works again.
    if ((await guest.enter()) !== 'in') throw new Error(`${how}: a password was not checked`);
    guest.cut('close');
    return performance.now() - asked;
  }

  #figures(): CampaignResult['figures'] {
    const figures: Record<string, number | string> = {
      deaths: this.#restarts,
      acknowledged: this.#crowd.acknowledged,
    };
    for (const [how, times] of this.#times) {
      const sorted = times.toSorted((a, b) => a - b).map(Math.round);
      const median = sorted[Math.floor(sorted.length / 2)];
      figures[`${how}: back after, median and longest, ms`] = `${median}, ${sorted.at(-1)}`;
    }
    return figures;
  }
}
