/** Accumulates the measurements of a run: for each second, and in total for the measured phases. */

import { addCount, addErrors, type Count, type Errors, emptyCount } from '../generator/counts.ts';
import { type Histograms, makeHistograms } from '../generator/latencies.ts';
import { describeLatencies, milliseconds } from '../generator/percentiles.ts';
import type { Result, Second } from '../result/result.ts';
import type { CombinedReport } from './threads.ts';

export interface Measured {
  readonly figures: Omit<Result['figures'], 'connections'>;
  readonly latency: Result['latency'];
  readonly generator: Omit<Result['generator'], 'threads'>;
  readonly series: Second[];
}

export class Measurements {
  /** Latencies of the measured phases, and of the ramp, where nearly all connects and logins happen. */
  readonly latencies = makeHistograms();
  /** Errors of the whole run, by name. */
  readonly errors: Errors = new Map();
  readonly #began = performance.now();
  readonly #count = emptyCount();
  readonly #series: Second[] = [];
  readonly #timerLags: number[] = [];
  /** Total length of the measured phases. */
  seconds = 0;
  #busy = 0;
  #cpuSeconds: readonly number[] = [];

  /** Adds one second to the series. `latencies`: those of this second. */
  addSecond(
    phase: string,
    { count, connections, errors, busy }: CombinedReport,
    latencies: Histograms,
    used: { readonly cores: number; readonly bytes: number } | undefined,
  ): Second {
    addErrors(this.errors, errors);
    const second: Second = {
      second: Math.round((performance.now() - this.#began) / 100) / 10,
      phase,
      connections,
      sent: count.sent,
      acknowledged: count.acknowledged,
      delivered: count.delivered,
      errors: [...errors.values()].reduce((sum, of) => sum + of, 0),
      deliverP50: milliseconds(latencies.deliver, 50),
      deliverP99: milliseconds(latencies.deliver, 99),
      acknowledgeP99: milliseconds(latencies.acknowledge, 99),
      serverCores: used?.cores ?? null,
      serverBytes: used?.bytes ?? null,
      generatorBusy: busy,
    };
    this.#series.push(second);
    return second;
  }

  /** Adds a part of a measured phase. */
  add({ count, busy, threadCpuSeconds, timerLags }: CombinedReport, seconds: number): void {
    addCount(this.#count, count);
    this.seconds += seconds;
    this.#busy += busy * seconds;
    this.#cpuSeconds = threadCpuSeconds.map((used, thread) => used + (this.#cpuSeconds[thread] ?? 0));
    this.#timerLags.push(...timerLags);
  }

  /** Adds what arrived after the last phase. */
  addDrained(count: Count): void {
    addCount(this.#count, count);
  }

  describe(): Measured {
    const count = this.#count;
    const latency = describeLatencies(this.latencies);
    const timerLags = this.#timerLags.toSorted((a, b) => a - b);
    const { seconds } = this;
    const rate = (of: number): number => (seconds === 0 ? 0 : of / seconds);
    return {
      figures: {
        seconds,
        ...count,
        sentRate: rate(count.sent),
        deliveredRate: rate(count.delivered),
        logins: latency.login?.count ?? 0,
        resumes: latency.resume?.count ?? 0,
        errors: Object.fromEntries(this.errors),
      },
      latency,
      generator: {
        cpuSeconds: this.#cpuSeconds.reduce((sum, used) => sum + used, 0),
        busy: rate(this.#busy),
        busiestShare: rate(Math.max(0, ...this.#cpuSeconds)),
        delayP99: timerLags[Math.floor(timerLags.length * 0.99)] ?? 0,
        delayMax: timerLags.at(-1) ?? 0,
      },
      series: this.#series,
    };
  }
}
