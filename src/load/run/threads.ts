/** The generator threads: calls all of them at once and combines what they report. */

import type { Outcome } from '../../actors/kernel/actor.ts';
import { startThread, type Thread, threadFile } from '../../actors/kernel/thread.ts';
import { addCount, addErrors, type Count, type Errors, emptyCount } from '../generator/counts.ts';
import type { ArrivalCounts, Findings } from '../generator/delivery-check.ts';
import type { GeneratorApi } from '../generator/generator.worker.ts';
import type { GroupPlan } from '../generator/group-plan.ts';
import { type Histograms, makeHistograms, moveLatencies } from '../generator/latencies.ts';
import { makePopulation } from '../scenario/population.ts';

const CALL_MS = 120_000;
/** A thread that is too busy to log its users out is ended without. */
const LEAVE_MS = 5_000;

export interface CombinedReport {
  readonly count: Count;
  readonly errors: Errors;
  readonly connections: number;
  /** True if all users on all threads have lost their connections. */
  readonly isDeserted: boolean;
  /** Busy fraction of the busiest thread. */
  readonly busy: number;
  /** By thread. */
  readonly threadCpuSeconds: readonly number[];
  readonly timerLags: readonly number[];
}

type Remote = Thread<GeneratorApi>;

export class GeneratorThreads {
  readonly #threads: readonly Remote[];
  readonly #histograms: ReadonlyArray<readonly [Histograms, Histograms]>;

  /** Throws if a thread does not start, because that is a bug in this program. */
  static async start(
    given: Omit<GroupPlan, 'thread' | 'resentBelow' | 'sentCounts'>,
  ): Promise<GeneratorThreads> {
    const { writerCount } = makePopulation(given.scenario, given.seed, given.tag);
    const perWriter = (): Int32Array<SharedArrayBuffer> =>
      new Int32Array(new SharedArrayBuffer(writerCount * 4));
    const plan = { ...given, resentBelow: perWriter(), sentCounts: perWriter() };
    const file = threadFile('../generator/generator.worker.ts', import.meta.url);
    const started = await Promise.all(
      Array.from({ length: plan.threads }, (_, thread) =>
        startThread<GeneratorApi>(`generator-${thread + 1}`, file, { ...plan, thread } satisfies GroupPlan),
      ),
    );
    const threads = started.map((one) => {
      if (one.type === 'failed') throw one.error;
      return one.thread;
    });
    const shared = await callAll(threads, (thread) => thread.call((api) => api.histograms(), CALL_MS));
    return new GeneratorThreads(
      threads,
      shared.map(([first, second]) => [makeHistograms(first), makeHistograms(second)] as const),
    );
  }

  constructor(threads: readonly Remote[], histograms: ReadonlyArray<readonly [Histograms, Histograms]>) {
    this.#threads = threads;
    this.#histograms = histograms;
  }

  /** Resolves to true if all users are online. */
  async rampUp(seconds: number, deadlineMs: number): Promise<boolean> {
    const timeoutMs = seconds * 1_000 + deadlineMs + CALL_MS;
    const complete = await this.#callAll((thread) =>
      thread.call((api) => api.rampUp(seconds, deadlineMs), timeoutMs),
    );
    return complete.every((isComplete) => isComplete);
  }

  async startPhase(rate: number, isMeasured: boolean): Promise<void> {
    await this.#callAll((thread) => thread.call((api) => api.startPhase(rate, isMeasured), CALL_MS));
  }

  async storm(): Promise<void> {
    await this.#callAll((thread) => thread.call((api) => api.storm(), CALL_MS));
  }

  async stopSending(): Promise<void> {
    await this.#callAll((thread) => thread.call((api) => api.stopSending(), CALL_MS));
  }

  /** Reports what happened since the last report, and moves the latencies into each of `into`. */
  async report(...into: readonly Histograms[]): Promise<CombinedReport> {
    const reports = await this.#callAll((thread) => thread.call((api) => api.report(), CALL_MS));
    const count = emptyCount();
    const errors: Errors = new Map();
    for (const [index, report] of reports.entries()) {
      addCount(count, report.count);
      addErrors(errors, report.errors);
      const recorded = this.#histograms[index]?.[report.side];
      if (recorded !== undefined) moveLatencies(recorded, ...into);
    }
    return {
      count,
      errors,
      connections: reports.reduce((sum, { connections }) => sum + connections, 0),
      isDeserted: reports.every(({ isDeserted }) => isDeserted),
      busy: Math.max(...reports.map(({ busy }) => busy)),
      threadCpuSeconds: reports.map(({ cpuSeconds }) => cpuSeconds),
      timerLags: reports.flatMap(({ timerLags }) => timerLags),
    };
  }

  /** True if no answer is outstanding, and all users that can reconnect are online. */
  async isQuiet(): Promise<boolean> {
    const quiet = await this.#callAll((thread) => thread.call((api) => api.isQuiet(), CALL_MS));
    return quiet.every((isQuiet) => isQuiet);
  }

  /** Compares what arrived with what was sent. */
  async verify(): Promise<Findings & ArrivalCounts> {
    const records = await this.#callAll((thread) => thread.call((api) => api.sendRecord(), CALL_MS));
    const parts = await this.#callAll((thread) => thread.call((api) => api.verify(records), CALL_MS));
    const sum = (of: (part: Findings & ArrivalCounts) => number): number =>
      parts.reduce((total, part) => total + of(part), 0);
    return {
      expected: sum((part) => part.expected),
      lost: sum((part) => part.lost),
      delivered: sum((part) => part.delivered),
      repeated: sum((part) => part.repeated),
      reordered: sum((part) => part.reordered),
      foreign: sum((part) => part.foreign),
      invented: sum((part) => part.invented),
      diverged: sum((part) => part.diverged),
      unknown: sum((part) => part.unknown),
      absent: sum((part) => part.absent),
      examples: parts.flatMap(({ examples }) => examples).slice(0, 10),
    };
  }

  /** Logs all users out and ends the threads. */
  async stop(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.call((api) => api.leave(), LEAVE_MS)));
    // Gives the last writes time to leave.
    await new Promise((resolve) => setTimeout(resolve, 200));
    await Promise.all(this.#threads.map((thread) => thread.kill()));
  }

  #callAll<T>(call: (thread: Remote) => Promise<Outcome<T>>): Promise<T[]> {
    return callAll(this.#threads, call);
  }
}

async function callAll<T>(
  threads: readonly Remote[],
  call: (thread: Remote) => Promise<Outcome<T>>,
): Promise<T[]> {
  const outcomes = await Promise.all(threads.map(call));
  return outcomes.map((outcome, index) => {
    if (outcome.type === 'answered') return outcome.value;
    throw new Error(`${threads[index]?.name ?? 'a thread'} of the generator: ${outcome.type}`);
  });
}
