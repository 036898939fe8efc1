/** What a run has measured so far: second by second, and of the measured phases together. */

import { addCount, addErrors, type Count, type Errors, noCount } from '../generator/counts.ts';
import { type Histograms, makeHistograms } from '../generator/latencies.ts';
import { describeLatencies, milliseconds } from '../generator/percentiles.ts';
import type { Result, Second } from '../result/result.ts';
import type { Together } from './threads.ts';

export interface Measured {
  readonly figures: Omit<Result['figures'], 'connections'>;
  readonly latency: Result['latency'];
  readonly generator: Omit<Result['generator'], 'threads'>;
  readonly series: Second[];
}

export class Measurements {
  /** Of the measured phases, and of the ramp, which tells what there is of connecting and logging in. */
  readonly latencies = makeHistograms();
  /** Of the whole run, by name. */
  readonly errors: Errors = new Map();
  readonly #began = performance.now();
  readonly #count = noCount();
  readonly #series: Second[] = [];
  readonly #delays: number[] = [];
  /** Of the measured phases. */
  seconds = 0;
  #busy = 0;
  #cpuSeconds: readonly number[] = [];

  /** One look at what has happened since the last. `here`: what was measured in that time. */
  look(
    phase: string,
    { count, connections, errors, busy }: Together,
    here: Histograms,
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
      deliverP50: milliseconds(here.deliver, 50),
      deliverP99: milliseconds(here.deliver, 99),
      acknowledgeP99: milliseconds(here.acknowledge, 99),
      serverCores: used?.cores ?? null,
      serverBytes: used?.bytes ?? null,
      generatorBusy: busy,
    };
    this.#series.push(second);
    return second;
  }

  /** A part of a measured phase. */
  add({ count, busy, threadCpuSeconds, delays }: Together, seconds: number): void {
    addCount(this.#count, count);
    this.seconds += seconds;
    this.#busy += busy * seconds;
    this.#cpuSeconds = threadCpuSeconds.map((used, thread) => used + (this.#cpuSeconds[thread] ?? 0));
    this.#delays.push(...delays);
  }

  /** What came in after the last phase. */
  addLate(count: Count): void {
    addCount(this.#count, count);
  }

  describe(): Measured {
    const count = this.#count;
    const latency = describeLatencies(this.latencies);
    const delays = this.#delays.toSorted((a, b) => a - b);
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
        delayP99: delays[Math.floor(delays.length * 0.99)] ?? 0,
        delayMax: delays.at(-1) ?? 0,
      },
      series: this.#series,
    };
  }
}
