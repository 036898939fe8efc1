/** What the server used in a run: before anybody came, in the measured phases, second by second. */

import type { Result } from '../result/result.ts';
import { Usage, type UsageSample, usedBetween } from './process-usage.ts';

/** Of all CPU time; what used less is not told apart. */
const TOLD_SHARE = 0.01;

export class ServerUse {
  readonly #usage: Usage | undefined;
  readonly #before: UsageSample | undefined;
  #last: UsageSample | undefined;
  #measuring: UsageSample | undefined;
  #measured = 0;
  #seconds = 0;
  readonly #threads = new Map<string, number>();
  #most = 0;
  #perConnection: number | null = null;
  /** True when the process is known, and is not there any more. */
  hasEnded = false;

  /** `pid`: undefined if the process is not known; then there are no figures. */
  static start(pid: number | undefined): ServerUse {
    const started = pid === undefined ? undefined : Usage.start(pid);
    return new ServerUse(started?.type === 'started' ? started.usage : undefined);
  }

  constructor(usage: Usage | undefined) {
    this.#usage = usage;
    this.#before = usage?.sample();
    this.#last = this.#before;
    this.#most = this.#before?.bytes ?? 0;
  }

  /** Since the last look. */
  look(): { readonly cores: number; readonly bytes: number } | undefined {
    const last = this.#last;
    const sample = this.#sample();
    if (last === undefined || sample === undefined) return undefined;
    return { cores: usedBetween(last, sample).cores, bytes: sample.bytes };
  }

  /** The ramp is over, with so many connections. */
  everybodyIsIn(connections: number): void {
    const sample = this.#sample();
    if (sample === undefined || this.#before === undefined || connections === 0) return;
    const grown = sample.bytes - this.#before.bytes;
    // What a few connections take can be less than what the process gave back meanwhile.
    this.#perConnection = grown > 0 ? grown / connections : null;
  }

  beginMeasure(): void {
    this.#measuring = this.#sample();
  }

  endMeasure(): void {
    const [from, to] = [this.#measuring, this.#sample() ?? this.#last];
    if (from === undefined || to === undefined) return;
    this.#measuring = undefined;
    const { cpuSeconds, seconds } = usedBetween(from, to);
    this.#measured += cpuSeconds;
    this.#seconds += seconds;
    const before = new Map(from.threads.map(({ id, cpuSeconds }) => [id, cpuSeconds]));
    for (const { id, name, cpuSeconds } of to.threads) {
      const own = `${name} ${id}`;
      this.#threads.set(own, (this.#threads.get(own) ?? 0) + cpuSeconds - (before.get(id) ?? 0));
    }
  }

  describe(delivered: number, sent: number): Result['usage'] {
    if (this.#before === undefined || this.#last === undefined) return null;
    if (this.#measuring !== undefined) this.endMeasure();
    const threads = [...this.#threads]
      .map(([own, cpuSeconds]) => ({ name: own.slice(0, own.lastIndexOf(' ')), cpuSeconds }))
      .filter(({ cpuSeconds }) => cpuSeconds > TOLD_SHARE * this.#measured)
      .toSorted((a, b) => b.cpuSeconds - a.cpuSeconds);
    const [busiest = { name: '', cpuSeconds: 0 }] = threads;
    const per = (count: number): number | null => (count === 0 ? null : (this.#measured * 1e6) / count);
    return {
      cpuSeconds: this.#measured,
      cpuPerDelivery: per(delivered),
      cpuPerMessage: per(sent),
      busiestThread: {
        name: busiest.name,
        share: this.#seconds === 0 ? 0 : busiest.cpuSeconds / this.#seconds,
      },
      threads,
      bytesBefore: this.#before.bytes,
      bytesAfter: this.#last.bytes,
      bytesMost: this.#most,
      bytesPerConnection: this.#perConnection,
    };
  }

  #sample(): UsageSample | undefined {
    const sample = this.#usage?.sample();
    this.hasEnded = this.#usage !== undefined && sample === undefined;
    this.#last = sample ?? this.#last;
    this.#most = Math.max(this.#most, sample?.bytes ?? 0);
    return sample;
  }
}
