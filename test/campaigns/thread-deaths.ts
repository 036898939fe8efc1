/**
 * Each kind of thread goes wrong in each way, one after the other, under load: it throws, exits, runs out of memory, spins,
 * is killed. Another takes its place, nothing that was acknowledged is lost, and whoever is connected elsewhere stays so.
 */

import { setTimeout as wait } from 'node:timers/promises';
import { CRASHES, type Crash } from '../../src/actors/kernel/fault-injection.ts';
import { until } from '../support/process.ts';
import { startRandom } from '../support/random.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { type CampaignOptions, type CampaignResult, Findings } from './campaign.ts';
import { CROWD_KINDS, Crowd, startDevice } from './crowd/crowd.ts';
import { Regulars } from './crowd/steady-senders.ts';
import { freePort } from './kill/campaign-server.ts';

const CLIENTS = 12;
const ROOMS = ['#north', '#south'];
/** Milliseconds between two messages of a client, on average. */
const EVERY_MS = 25;
/** How long a thread may be silent in these runs, and what a restart may take behind that. */
const WATCHDOG_MS = 1_000;
const RESTART_MS = 1_000;
/**
 * Of a thread of the pool there is no word when it dies: what passes until then counts, too. It needs its time to use up
 * its heap, and may spin for three times as long as another thread.
 */
const HASH_MS: Readonly<Record<Crash, number>> = {
  kill: 0,
  throw: 0,
  exit: 0,
  oom: 2_000,
  spin: 3 * WATCHDOG_MS,
};
/** The supervisor gives up at the third death of a thread within 5 s: each is left alone for a little more than half of it. */
const SPARED_MS = 2_800;
const HEAP_MB = 64;

/** `cycles`: how often each kind of thread goes wrong in each way. */
export async function killThreads(options: CampaignOptions): Promise<CampaignResult> {
  return new ThreadDeaths(options, await freePort()).run();
}

class ThreadDeaths {
  readonly #options: CampaignOptions;
  readonly #findings = new Findings(...CROWD_KINDS, 'slow restart', 'lost connection', 'server ended');
  readonly #crowd: Crowd;
  readonly #port: number;
  readonly #regulars: Regulars;
  readonly #times = new Map<string, number[]>();
  readonly #diedAt = new Map<string, number>();
  #restarts = 0;

  constructor(options: CampaignOptions, port: number) {
    this.#options = options;
    this.#port = port;
    const members = Array.from({ length: CLIENTS }, (_, i) => ({ name: `person-${i}`, rooms: ROOMS }));
    const { report } = this.#findings;
    this.#crowd = new Crowd({ data: `${options.folder}/data`, port, members, report });
    this.#regulars = new Regulars(this.#crowd, startRandom(options.seed));
  }

  async run(): Promise<CampaignResult> {
    const { folder, workers, cycles, log } = this.#options;
    const server = await startServer({
      data: `${folder}/data`,
      args: ['--workers', String(workers), '--port', String(this.#port), '--log-level', 'warn'],
      env: { PARLEY_TEST_WATCHDOG_MS: String(WATCHDOG_MS), PARLEY_TEST_HEAP_MB: String(HEAP_MB) },
    });
    await this.#crowd.enter();
    this.#regulars.start(EVERY_MS);
    const threads = ['registry', 'auth', 'archive', 'shard-1', 'hash'];
    try {
      for (let cycle = 0; cycle < cycles; cycle += 1) {
        for (const how of CRASHES) for (const thread of threads) await this.#death(server, thread, how);
        log(`round ${cycle + 1}: ${this.#crowd.acknowledged} acknowledged, ${this.#restarts} restarts`);
      }
    } finally {
      await this.#regulars.stop();
    }
    await this.#crowd.finish();
    const { code } = await server.stop();
    if (code !== 0) this.#findings.report('server ended', `with ${code}`);
    return { figures: this.#figures(), findings: this.#findings };
  }

  async #death(server: RunningServer, thread: string, how: Crash): Promise<void> {
    const since = performance.now() - (this.#diedAt.get(thread) ?? Number.NEGATIVE_INFINITY);
    await wait(Math.max(0, SPARED_MS - since));
    await this.#regulars.everybodyIsLive();
    const losses = new Set<string>();
    this.#regulars.onLost = ({ user }) => losses.add(user);
    const before = server.stderr().length;
    server.crash(thread, how);
    const took =
      thread === 'hash' ? await this.#useHash(how) : await this.#restarted(server, thread, how, before);
    this.#diedAt.set(thread, performance.now());
    if (server.child.exitCode !== null) throw new Error(`the server ended\n${server.stderr()}`);
    await this.#regulars.everybodyIsLive();
    const limit = RESTART_MS + (thread === 'hash' ? HASH_MS[how] : how === 'spin' ? 2 * WATCHDOG_MS : 0);
    this.#times.set(how, [...(this.#times.get(how) ?? []), took]);
    this.#restarts += 1;
    if (took > limit) this.#findings.report('slow restart', `${thread}, ${how}: ${Math.round(took)} ms`);
    // Others may share the shard that died; whoever is elsewhere must not notice.
    const mayLose = thread === 'shard-1' ? CLIENTS - 1 : 0;
    if (losses.size > mayLose) {
      this.#findings.report('lost connection', `${thread}, ${how}: ${[...losses].join(' ')}`);
    }
  }

  /**
   * In milliseconds, from the death to the start of its successor; for one that spins from the order to do so. A heap takes
   * its time to become full.
   */
  async #restarted(server: RunningServer, thread: string, how: Crash, before: number): Promise<number> {
    const asked = performance.now();
    const line = new RegExp(`"thread.restarted".*"child":"${thread}","afterMs":(\\d+)`);
    const look = (): string | undefined => line.exec(server.stderr().slice(before))?.[1];
    const state = (): string => server.stderr().slice(before);
    const afterMs = await until(`${thread} to be restarted`, look, { state });
    return how === 'spin' ? performance.now() - asked : Number(afterMs);
  }

  /** The next task of the pool goes wrong; the one after it has to be done, in time. */
  async #useHash(how: Crash): Promise<number> {
    const [somebody] = this.#crowd.devices;
    const asked = performance.now();
    const guest = startDevice(somebody?.user ?? '', this.#port, () => {});
    // Comes in with the password, and is refused with `unavailable` until a thread of the pool is well.
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
