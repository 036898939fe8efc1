/** The threads of the generator, asked all at once, and what they measure put together. */

import type { Outcome } from '../../actors/kernel/actor.ts';
import { startThread, type Thread, threadFile } from '../../actors/kernel/thread.ts';
import { addCount, addErrors, type Count, type Errors, noCount } from '../generator/counts.ts';
import type { Arrived, Settled } from '../generator/delivery-check.ts';
import type { GeneratorApi } from '../generator/generator.worker.ts';
import type { CrowdPlan } from '../generator/group-plan.ts';
import { type Histograms, makeHistograms, pour } from '../generator/latencies.ts';
import { makeCast } from '../scenario/population.ts';

const CALL_MS = 120_000;
/** A thread that is too busy to say goodbye ends without. */
const LEAVE_MS = 5_000;

export interface Together {
  readonly count: Count;
  readonly errors: Errors;
  readonly connections: number;
  /** Everybody has lost its connection, on all threads. */
  readonly isDeserted: boolean;
  /** Of the busiest thread. */
  readonly busy: number;
  /** Of each thread. */
  readonly threadCpuSeconds: readonly number[];
  readonly delays: readonly number[];
}

type Remote = Thread<GeneratorApi>;

export class Threads {
  readonly #threads: readonly Remote[];
  readonly #histograms: ReadonlyArray<readonly [Histograms, Histograms]>;

  /** Throws if one does not start: that is a fault of this program. */
  static async start(given: Omit<CrowdPlan, 'thread' | 'saidAgain' | 'said'>): Promise<Threads> {
    const { voices } = makeCast(given.scenario, given.seed, given.tag);
    const forVoices = (): Int32Array<SharedArrayBuffer> => new Int32Array(new SharedArrayBuffer(voices * 4));
    const plan = { ...given, saidAgain: forVoices(), said: forVoices() };
    const file = threadFile('../generator/generator.worker.ts', import.meta.url);
    const started = await Promise.all(
      Array.from({ length: plan.threads }, (_, thread) =>
        startThread<GeneratorApi>(`generator-${thread + 1}`, file, { ...plan, thread } satisfies CrowdPlan),
      ),
    );
    const threads = started.map((one) => {
      if (one.type === 'failed') throw one.error;
      return one.thread;
    });
    const shared = await ask(threads, (thread) => thread.call((api) => api.histograms(), CALL_MS));
    return new Threads(
      threads,
      shared.map(([first, second]) => [makeHistograms(first), makeHistograms(second)] as const),
    );
  }

  constructor(threads: readonly Remote[], histograms: ReadonlyArray<readonly [Histograms, Histograms]>) {
    this.#threads = threads;
    this.#histograms = histograms;
  }

  /** True when everybody is in. */
  async comeIn(seconds: number, deadlineMs: number): Promise<boolean> {
    const timeoutMs = seconds * 1_000 + deadlineMs + CALL_MS;
    const complete = await this.#ask((thread) =>
      thread.call((api) => api.comeIn(seconds, deadlineMs), timeoutMs),
    );
    return complete.every((isComplete) => isComplete);
  }

  async begin(rate: number, isMeasured: boolean): Promise<void> {
    await this.#ask((thread) => thread.call((api) => api.begin(rate, isMeasured), CALL_MS));
  }

  async storm(): Promise<void> {
    await this.#ask((thread) => thread.call((api) => api.storm(), CALL_MS));
  }

  async silence(): Promise<void> {
    await this.#ask((thread) => thread.call((api) => api.silence(), CALL_MS));
  }

  /** What has happened since the last report. What was measured is poured into these. */
  async report(...into: readonly Histograms[]): Promise<Together> {
    const reports = await this.#ask((thread) => thread.call((api) => api.report(), CALL_MS));
    const count = noCount();
    const errors: Errors = new Map();
    for (const [index, report] of reports.entries()) {
      addCount(count, report.count);
      addErrors(errors, report.errors);
      const written = this.#histograms[index]?.[report.side];
      if (written !== undefined) pour(written, ...into);
    }
    return {
      count,
      errors,
      connections: reports.reduce((sum, { connections }) => sum + connections, 0),
      isDeserted: reports.every(({ isDeserted }) => isDeserted),
      busy: Math.max(...reports.map(({ busy }) => busy)),
      threadCpuSeconds: reports.map(({ cpuSeconds }) => cpuSeconds),
      delays: reports.flatMap(({ delays }) => delays),
    };
  }

  /** No answer is owed to anybody, and everybody is back. */
  async isQuiet(): Promise<boolean> {
    const quiet = await this.#ask((thread) => thread.call((api) => api.isQuiet(), CALL_MS));
    return quiet.every((isQuiet) => isQuiet);
  }

  /** What has arrived of all that was said. */
  async settle(): Promise<Settled & Arrived> {
    const said = await this.#ask((thread) => thread.call((api) => api.said(), CALL_MS));
    const parts = await this.#ask((thread) => thread.call((api) => api.settle(said), CALL_MS));
    const sum = (of: (part: Settled & Arrived) => number): number =>
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

  /** Everybody leaves, and the threads end. */
  async stop(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.call((api) => api.leave(), LEAVE_MS)));
    // What was written last is on its way.
    await new Promise((resolve) => setTimeout(resolve, 200));
    await Promise.all(this.#threads.map((thread) => thread.kill()));
  }

  #ask<T>(of: (thread: Remote) => Promise<Outcome<T>>): Promise<T[]> {
    return ask(this.#threads, of);
  }
}

async function ask<T>(threads: readonly Remote[], of: (thread: Remote) => Promise<Outcome<T>>): Promise<T[]> {
  const outcomes = await Promise.all(threads.map(of));
  return outcomes.map((outcome, index) => {
    if (outcome.type === 'answered') return outcome.value;
    throw new Error(`${threads[index]?.name ?? 'a thread'} of the generator: ${outcome.type}`);
  });
}
