/**
 * One run of a load test: everybody comes in, the phases go by, what is still under way arrives, and it is counted what did not.
 */

import { timerDelay } from '../../common/deadline.ts';
import { EXIT, type ExitCode } from '../../common/exit.ts';
import { addError } from '../generator/counts.ts';
import type { CrowdPlan } from '../generator/group-plan.ts';
import { makeHistograms } from '../generator/latencies.ts';
import { type Expectation, evaluate, isBroken } from '../result/expect.ts';
import { RESULT_VERSION, type Result, type Second } from '../result/result.ts';
import { judge } from '../result/validity.ts';
import { isMeasured, type Phase } from '../scenario/scenario.ts';
import { Measurements } from './measurements.ts';
import { ServerUse } from './server-usage.ts';
import { Threads, type Together } from './threads.ts';

export interface LoadPlan extends Omit<CrowdPlan, 'thread' | 'tag' | 'saidAgain' | 'said'> {
  /** The server's process; undefined if it is not known. */
  readonly pid: number | undefined;
  readonly server: Result['server'];
  readonly environment: Result['environment'];
  readonly expectations: readonly Expectation[];
  /** Ends as soon as a threshold is missed that was met never before, looked at each second of the measured phases. */
  readonly abortOnFail: boolean;
}

export interface LoadEvents {
  /** `left`: seconds until the end of the last phase. */
  second(second: Second, left: number): void;
  /** When it is aborted, the run ends with what was measured. */
  readonly signal: AbortSignal;
}

export type Ran =
  | { readonly type: 'ran'; readonly result: Result }
  /** There is nothing that could be told. */
  | { readonly type: 'failed'; readonly exitCode: ExitCode; readonly text: string };

/** How long it may take after the ramp until everybody is in. */
const COME_IN_MS = 60_000;
/** How long what is under way may take to arrive, and how long nothing has to happen until it is given up. */
const DRAIN_MS = 60_000;
const DRAIN_IDLE_MS = 5_000;
const LOOK_MS = 1_000;
const POLL_MS = 100;
/** Seconds without a connection, after which the server counts as gone. */
const GONE_SECONDS = 3;
/** Nobody is in after so long, and there was an error: there will be nobody. */
const NOBODY_MS = 3_000;
/** Seconds of measured phases before a threshold can abort. */
const ABORT_AFTER = 5;
const TAG = 6;

export async function runLoad(plan: LoadPlan, events: LoadEvents): Promise<Ran> {
  const use = ServerUse.start(plan.pid);
  const threads = await Threads.start({ ...crowdOf(plan), tag: drawTag() });
  const run = new Run(plan, events, threads, use);
  try {
    return await run.go();
  } finally {
    await threads.stop();
  }
}

function crowdOf({
  scenario,
  seed,
  threads,
  endpoint,
  wire,
  password,
}: LoadPlan): Omit<CrowdPlan, 'thread' | 'tag' | 'saidAgain' | 'said'> {
  return { scenario, seed, threads, endpoint, wire, password };
}

/** Not drawn from the seed: two runs against one server must not take each other's messages for their own. */
function drawTag(): string {
  return Math.random()
    .toString(36)
    .slice(2, 2 + TAG)
    .padEnd(TAG, '0');
}

class Run {
  readonly #plan: LoadPlan;
  readonly #events: LoadEvents;
  readonly #threads: Threads;
  readonly #use: ServerUse;
  readonly #at = new Date();
  readonly #measured = new Measurements();
  #most = 0;
  #ended: Result['ended'] = 'complete';
  #empty = 0;

  constructor(plan: LoadPlan, events: LoadEvents, threads: Threads, use: ServerUse) {
    this.#plan = plan;
    this.#events = events;
    this.#threads = threads;
    this.#use = use;
  }

  async go(): Promise<Ran> {
    const { phases } = this.#plan.scenario;
    const ramp = phases.filter(({ kind }) => kind === 'ramp').reduce((sum, { seconds }) => sum + seconds, 0);
    const rest = phases.filter(({ kind }) => kind !== 'ramp');
    let left = phases.reduce((sum, { seconds }) => sum + seconds, 0);
    const refused = await this.#comeIn(ramp, left);
    if (refused !== undefined) return refused;
    left -= ramp;
    this.#use.everybodyIsIn(this.#most);
    const hasBegun = !this.#isOver;
    for (const phase of rest) {
      if (this.#isOver) break;
      await this.#phase(phase, left);
      left -= phase.seconds;
    }
    if (hasBegun) await this.#drain();
    return { type: 'ran', result: await this.#result() };
  }

  get #isOver(): boolean {
    return this.#ended !== 'complete';
  }

  /** Everybody, as far as the server lets them in. */
  async #comeIn(seconds: number, left: number): Promise<Ran | undefined> {
    let isDone = false;
    const coming = this.#threads.comeIn(seconds, COME_IN_MS).finally(() => {
      isDone = true;
    });
    // Who is still on the way in when it is interrupted is not waited for.
    coming.catch(() => {});
    const began = performance.now();
    // A ramp is not measured, but what it tells of connecting and logging in is all that there is of that.
    while (!isDone && !this.#isOver && !this.#isHopeless(began)) {
      await Promise.race([this.#until(performance.now() + LOOK_MS), coming]);
      const since = (performance.now() - began) / 1_000;
      await this.#look('ramp', false, Math.max(0, left - since));
    }
    if (this.#most > 0 || this.#isOver || !this.#hasUsers) return undefined;
    const [reason] = this.#measured.errors.keys();
    const { address } = this.#plan.server;
    const text = `nobody could come in at ${address}: ${reason ?? 'no answer'}. Is a server running there, and does it let these users in?`;
    return { type: 'failed', exitCode: EXIT.unavailable, text };
  }

  /** A server that is busy may let somebody in yet. */
  #isHopeless(began: number): boolean {
    if (this.#most > 0 || performance.now() - began < NOBODY_MS) return false;
    return [...this.#measured.errors.keys()].some((name) => name !== 'login: busy');
  }

  get #hasUsers(): boolean {
    const { users, idle } = this.#plan.scenario;
    return users + idle > 0;
  }

  async #phase(phase: Phase, left: number): Promise<void> {
    const measured = isMeasured(phase);
    if (measured) this.#use.beginMeasure();
    await this.#threads.begin(phase.rate, measured);
    if (phase.kind === 'storm') await this.#threads.storm();
    const began = performance.now();
    const end = began + phase.seconds * 1_000;
    let looked = began;
    while (performance.now() < end && !this.#isOver) {
      await this.#until(Math.min(end, looked + LOOK_MS));
      const time = performance.now();
      const together = await this.#look(phase.kind, measured, Math.max(0, left - (time - began) / 1_000));
      if (measured) this.#measure(together, (time - looked) / 1_000);
      looked = time;
    }
    if (measured) this.#use.endMeasure();
  }

  #measure(together: Together, seconds: number): void {
    this.#measured.add(together, seconds);
    if (!this.#plan.abortOnFail || this.#measured.seconds < ABORT_AFTER || this.#isOver) return;
    const partial = this.#describe(NOTHING_SETTLED);
    if (this.#plan.expectations.some((expectation) => isBroken(expectation, partial)))
      this.#ended = 'aborted';
  }

  /** One look at what has happened since the last. */
  async #look(phase: string, isMeasured: boolean, left: number): Promise<Together> {
    const here = makeHistograms();
    const isTold = isMeasured || phase === 'ramp';
    const together = await this.#threads.report(here, ...(isTold ? [this.#measured.latencies] : []));
    const used = this.#use.look();
    this.#most = Math.max(this.#most, together.connections);
    this.#empty = together.isDeserted && this.#hasUsers && this.#most > 0 ? this.#empty + 1 : 0;
    const isGone = this.#empty >= GONE_SECONDS || this.#use.hasEnded;
    if (isGone && !this.#isOver) this.#ended = 'server_gone';
    if (this.#events.signal.aborted && !this.#isOver) this.#ended = 'interrupted';
    const second = this.#measured.look(phase, together, here, used);
    this.#events.second(second, left);
    return together;
  }

  /** Until that time, or until the run is interrupted. */
  #until(time: number): Promise<void> {
    const { signal } = this.#events;
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const settle = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', settle);
        resolve();
      };
      const timer = setTimeout(settle, timerDelay(time - performance.now()));
      signal.addEventListener('abort', settle);
    });
  }

  /** Nothing more is said: what is under way arrives, in the figures too, or it is lost. */
  async #drain(): Promise<void> {
    await this.#threads.silence();
    const began = performance.now();
    let last = began;
    while (performance.now() < began + DRAIN_MS && performance.now() < last + DRAIN_IDLE_MS) {
      const isAll = await this.#hasAllCome(performance.now() + LOOK_MS);
      const { count } = await this.#look(DRAIN, true, 0);
      this.#measured.addLate(count);
      if (isAll || this.#ended === 'server_gone') return;
      if (count.delivered + count.acknowledged > 0) last = performance.now();
    }
  }

  /** Waits for it until that time. */
  async #hasAllCome(deadline: number): Promise<boolean> {
    while (performance.now() < deadline) {
      if ((await this.#threads.isQuiet()) && (await this.#threads.settle()).lost === 0) return true;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return false;
  }

  async #result(): Promise<Result> {
    const { absent, invented, foreign, ...settled } = await this.#threads.settle();
    if (absent > 0 && this.#ended === 'complete')
      addError(this.#measured.errors, 'not connected at the end', absent);
    const correctness = { ...settled, foreign: foreign + invented, examples: [...settled.examples] };
    const result = this.#describe(correctness);
    const expectations = this.#plan.expectations.map((expectation) => evaluate(expectation, result));
    return { ...result, expectations };
  }

  #describe(correctness: Result['correctness']): Result {
    const { scenario, seed, server, environment, threads } = this.#plan;
    const { figures, latency, generator, series } = this.#measured.describe();
    const result: Result = {
      format: 'parley-load',
      version: RESULT_VERSION,
      at: this.#at.toISOString(),
      seed,
      scenario,
      server,
      environment,
      ended: this.#ended,
      invalid: [],
      figures: { ...figures, connections: this.#most },
      correctness,
      latency,
      usage: this.#use.describe(figures.delivered, figures.sent),
      generator: { threads, ...generator },
      series,
      expectations: [],
    };
    return { ...result, invalid: judge(result) };
  }
}

const DRAIN = 'drain';

/** In the middle of a run nobody can tell yet what will not arrive. */
const NOTHING_SETTLED: Result['correctness'] = {
  expected: 0,
  delivered: 0,
  lost: 0,
  repeated: 0,
  reordered: 0,
  diverged: 0,
  foreign: 0,
  unknown: 0,
  examples: [],
};
