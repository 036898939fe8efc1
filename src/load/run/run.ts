/**
 * One run of a load test: connects the users, goes through the phases, waits for messages in flight, and counts what did not
 * arrive.
 */

import { timerDelay } from '../../common/deadline.ts';
import { EXIT, type ExitCode } from '../../common/exit.ts';
import { addError } from '../generator/counts.ts';
import type { GroupPlan } from '../generator/group-plan.ts';
import { makeHistograms } from '../generator/latencies.ts';
import { type Expectation, evaluate, isMissed } from '../result/expect.ts';
import { RESULT_VERSION, type Result, type Second } from '../result/result.ts';
import { findInvalidity } from '../result/validity.ts';
import { isMeasured, type Phase } from '../scenario/scenario.ts';
import { Measurements } from './measurements.ts';
import { ServerUsage } from './server-usage.ts';
import { type CombinedReport, GeneratorThreads } from './threads.ts';

export interface LoadPlan extends Omit<GroupPlan, 'thread' | 'tag' | 'resentBelow' | 'sentCounts'> {
  /** The server's process; undefined if it is not known. */
  readonly pid: number | undefined;
  readonly server: Result['server'];
  readonly environment: Result['environment'];
  readonly expectations: readonly Expectation[];
  /** Ends the run as soon as a threshold is missed. Checked every second of the measured phases. */
  readonly abortOnFail: boolean;
}

export interface LoadEvents {
  /** `left`: seconds until the end of the last phase. */
  second(second: Second, left: number): void;
  /** When aborted, the run ends with the results so far. */
  readonly signal: AbortSignal;
}

export type RunOutcome =
  | { readonly type: 'ran'; readonly result: Result }
  /** There are no results. */
  | { readonly type: 'failed'; readonly exitCode: ExitCode; readonly text: string };

/** How much longer than the ramp it may take until all users are online. */
const RAMP_EXTRA_MS = 60_000;
/** How long messages in flight may take to arrive, and after how long without an arrival the run stops waiting for them. */
const DRAIN_MS = 60_000;
const DRAIN_IDLE_MS = 5_000;
const SAMPLE_MS = 1_000;
const POLL_MS = 100;
/** Seconds without a connection after which the server counts as gone. */
const GONE_SECONDS = 3;
/** If nobody is online after this time and there was an error, nobody will be. */
const HOPELESS_MS = 3_000;
/** Seconds of measured phases before a missed threshold can end the run. */
const ABORT_AFTER = 5;
const TAG = 6;

export async function runLoad(plan: LoadPlan, events: LoadEvents): Promise<RunOutcome> {
  const usage = ServerUsage.start(plan.pid);
  const threads = await GeneratorThreads.start({ ...groupPlanOf(plan), tag: drawTag() });
  const run = new Run(plan, events, threads, usage);
  try {
    return await run.execute();
  } finally {
    await threads.stop();
  }
}

function groupPlanOf({
  scenario,
  seed,
  threads,
  endpoint,
  wire,
  password,
}: LoadPlan): Omit<GroupPlan, 'thread' | 'tag' | 'resentBelow' | 'sentCounts'> {
  return { scenario, seed, threads, endpoint, wire, password };
}

/** Not derived from the seed, because two runs against one server must not mistake each other's messages for their own. */
function drawTag(): string {
  return Math.random()
    .toString(36)
    .slice(2, 2 + TAG)
    .padEnd(TAG, '0');
}

class Run {
  readonly #plan: LoadPlan;
  readonly #events: LoadEvents;
  readonly #threads: GeneratorThreads;
  readonly #usage: ServerUsage;
  readonly #startedAt = new Date();
  readonly #measured = new Measurements();
  #peakConnections = 0;
  #ended: Result['ended'] = 'complete';
  /** Consecutive seconds without a connection. */
  #emptySeconds = 0;

  constructor(plan: LoadPlan, events: LoadEvents, threads: GeneratorThreads, usage: ServerUsage) {
    this.#plan = plan;
    this.#events = events;
    this.#threads = threads;
    this.#usage = usage;
  }

  async execute(): Promise<RunOutcome> {
    const { phases } = this.#plan.scenario;
    const ramp = phases.filter(({ kind }) => kind === 'ramp').reduce((sum, { seconds }) => sum + seconds, 0);
    const rest = phases.filter(({ kind }) => kind !== 'ramp');
    let left = phases.reduce((sum, { seconds }) => sum + seconds, 0);
    const failed = await this.#rampUp(ramp, left);
    if (failed !== undefined) return failed;
    left -= ramp;
    this.#usage.rampEnded(this.#peakConnections);
    const hasSent = !this.#isOver;
    for (const phase of rest) {
      if (this.#isOver) break;
      await this.#phase(phase, left);
      left -= phase.seconds;
    }
    if (hasSent) await this.#drain();
    return { type: 'ran', result: await this.#result() };
  }

  get #isOver(): boolean {
    return this.#ended !== 'complete';
  }

  /** Connects the users. Fails if the server lets nobody in. */
  async #rampUp(seconds: number, left: number): Promise<RunOutcome | undefined> {
    let isDone = false;
    const rampUp = this.#threads.rampUp(seconds, RAMP_EXTRA_MS).finally(() => {
      isDone = true;
    });
    // An interrupted run does not wait for logins in progress.
    rampUp.catch(() => {});
    const began = performance.now();
    // The ramp is not a measured phase, but it is where nearly all connects and logins happen.
    while (!isDone && !this.#isOver && !this.#isHopeless(began)) {
      await Promise.race([this.#until(performance.now() + SAMPLE_MS), rampUp]);
      const since = (performance.now() - began) / 1_000;
      await this.#sample('ramp', false, Math.max(0, left - since));
    }
    if (this.#peakConnections > 0 || this.#isOver || !this.#hasUsers) return undefined;
    const [reason] = this.#measured.errors.keys();
    const { address } = this.#plan.server;
    const text = `nobody could log in at ${address}: ${reason ?? 'no answer'}. Check that a server is running there and accepts these users`;
    return { type: 'failed', exitCode: EXIT.unavailable, text };
  }

  /** A busy server may still let somebody in. */
  #isHopeless(began: number): boolean {
    if (this.#peakConnections > 0 || performance.now() - began < HOPELESS_MS) return false;
    return [...this.#measured.errors.keys()].some((name) => name !== 'login: busy');
  }

  get #hasUsers(): boolean {
    const { users, idle } = this.#plan.scenario;
    return users + idle > 0;
  }

  async #phase(phase: Phase, left: number): Promise<void> {
    const measured = isMeasured(phase);
    if (measured) this.#usage.startPhase();
    await this.#threads.startPhase(phase.rate, measured);
    if (phase.kind === 'storm') await this.#threads.storm();
    const began = performance.now();
    const end = began + phase.seconds * 1_000;
    let sampledAt = began;
    while (performance.now() < end && !this.#isOver) {
      await this.#until(Math.min(end, sampledAt + SAMPLE_MS));
      const time = performance.now();
      const report = await this.#sample(phase.kind, measured, Math.max(0, left - (time - began) / 1_000));
      if (measured) this.#measure(report, (time - sampledAt) / 1_000);
      sampledAt = time;
    }
    if (measured) this.#usage.endPhase();
  }

  #measure(report: CombinedReport, seconds: number): void {
    this.#measured.add(report, seconds);
    if (!this.#plan.abortOnFail || this.#measured.seconds < ABORT_AFTER || this.#isOver) return;
    const partial = this.#describe(NOT_VERIFIED);
    if (this.#plan.expectations.some((expectation) => isMissed(expectation, partial)))
      this.#ended = 'aborted';
  }

  /** Collects what happened since the last sample. */
  async #sample(phase: string, isMeasured: boolean, left: number): Promise<CombinedReport> {
    const latencies = makeHistograms();
    const isRecorded = isMeasured || phase === 'ramp';
    const report = await this.#threads.report(latencies, ...(isRecorded ? [this.#measured.latencies] : []));
    const used = this.#usage.sample();
    this.#peakConnections = Math.max(this.#peakConnections, report.connections);
    this.#emptySeconds =
      report.isDeserted && this.#hasUsers && this.#peakConnections > 0 ? this.#emptySeconds + 1 : 0;
    const isGone = this.#emptySeconds >= GONE_SECONDS || this.#usage.hasEnded;
    if (isGone && !this.#isOver) this.#ended = 'server_gone';
    if (this.#events.signal.aborted && !this.#isOver) this.#ended = 'interrupted';
    const second = this.#measured.addSecond(phase, report, latencies, used);
    this.#events.second(second, left);
    return report;
  }

  /** Resolves at that time, or when the run is interrupted. */
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

  /** Stops sending and waits for messages in flight. Those that arrive are part of the figures; the others are lost. */
  async #drain(): Promise<void> {
    await this.#threads.stopSending();
    const began = performance.now();
    let lastArrival = began;
    while (performance.now() < began + DRAIN_MS && performance.now() < lastArrival + DRAIN_IDLE_MS) {
      const isComplete = await this.#hasAllArrived(performance.now() + SAMPLE_MS);
      const { count } = await this.#sample(DRAIN, true, 0);
      this.#measured.addDrained(count);
      if (isComplete || this.#ended === 'server_gone') return;
      if (count.delivered + count.acknowledged > 0) lastArrival = performance.now();
    }
  }

  /** Resolves to true once everything has arrived, or to false at the deadline. */
  async #hasAllArrived(deadline: number): Promise<boolean> {
    while (performance.now() < deadline) {
      if ((await this.#threads.isQuiet()) && (await this.#threads.verify()).lost === 0) return true;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return false;
  }

  async #result(): Promise<Result> {
    const { absent, invented, foreign, ...findings } = await this.#threads.verify();
    if (absent > 0 && this.#ended === 'complete')
      addError(this.#measured.errors, 'not connected at the end', absent);
    const correctness = { ...findings, foreign: foreign + invented, examples: [...findings.examples] };
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
      at: this.#startedAt.toISOString(),
      seed,
      scenario,
      server,
      environment,
      ended: this.#ended,
      invalid: [],
      figures: { ...figures, connections: this.#peakConnections },
      correctness,
      latency,
      usage: this.#usage.describe(figures.delivered, figures.sent),
      generator: { threads, ...generator },
      series,
      expectations: [],
    };
    return { ...result, invalid: findInvalidity(result) };
  }
}

const DRAIN = 'drain';

/** During a run it is not yet known which messages will not arrive. */
const NOT_VERIFIED: Result['correctness'] = {
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
