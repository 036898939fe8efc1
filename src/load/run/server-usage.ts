/** The server's resource usage during a run: before the users connect, per second, and in the measured phases. */

import type { Result } from '../result/result.ts';
import { ProcessUsage, type UsageSample, usageBetween } from './process-usage.ts';

/** Threads that used less than this fraction of all CPU time are not listed. */
const LISTED_SHARE = 0.01;

export class ServerUsage {
  readonly #process: ProcessUsage | undefined;
  readonly #before: UsageSample | undefined;
  #last: UsageSample | undefined;
  /** The sample at the start of the current measured phase. */
  #phaseStart: UsageSample | undefined;
  #cpuSeconds = 0;
  #seconds = 0;
  readonly #threads = new Map<string, number>();
  #peakBytes = 0;
  #perConnection: number | null = null;
  /** True if the process is known and has ended. */
  hasEnded = false;

  /** `pid`: undefined if the process is not known, in which case there are no figures. */
  static start(pid: number | undefined): ServerUsage {
    const started = pid === undefined ? undefined : ProcessUsage.start(pid);
    return new ServerUsage(started?.type === 'started' ? started.usage : undefined);
  }

  constructor(process: ProcessUsage | undefined) {
    this.#process = process;
    this.#before = process?.sample();
    this.#last = this.#before;
    this.#peakBytes = this.#before?.bytes ?? 0;
  }

  /** The usage since the last sample. */
  sample(): { readonly cores: number; readonly bytes: number } | undefined {
    const last = this.#last;
    const sample = this.#takeSample();
    if (last === undefined || sample === undefined) return undefined;
    return { cores: usageBetween(last, sample).cores, bytes: sample.bytes };
  }

  /** The ramp has ended with that many connections. */
  rampEnded(connections: number): void {
    const sample = this.#takeSample();
    if (sample === undefined || this.#before === undefined || connections === 0) return;
    const grown = sample.bytes - this.#before.bytes;
    // A few connections may take less memory than the process has released meanwhile.
    this.#perConnection = grown > 0 ? grown / connections : null;
  }

  startPhase(): void {
    this.#phaseStart = this.#takeSample();
  }

  endPhase(): void {
    const [from, to] = [this.#phaseStart, this.#takeSample() ?? this.#last];
    if (from === undefined || to === undefined) return;
    this.#phaseStart = undefined;
    const { cpuSeconds, seconds } = usageBetween(from, to);
    this.#cpuSeconds += cpuSeconds;
    this.#seconds += seconds;
    const before = new Map(from.threads.map(({ id, cpuSeconds }) => [id, cpuSeconds]));
    for (const { id, name, cpuSeconds } of to.threads) {
      const own = `${name} ${id}`;
      this.#threads.set(own, (this.#threads.get(own) ?? 0) + cpuSeconds - (before.get(id) ?? 0));
    }
  }

  describe(delivered: number, sent: number): Result['usage'] {
    if (this.#before === undefined || this.#last === undefined) return null;
    if (this.#phaseStart !== undefined) this.endPhase();
    const threads = [...this.#threads]
      .map(([own, cpuSeconds]) => ({ name: own.slice(0, own.lastIndexOf(' ')), cpuSeconds }))
      .filter(({ cpuSeconds }) => cpuSeconds > LISTED_SHARE * this.#cpuSeconds)
      .toSorted((a, b) => b.cpuSeconds - a.cpuSeconds);
    const [busiest = { name: '', cpuSeconds: 0 }] = threads;
    const per = (count: number): number | null => (count === 0 ? null : (this.#cpuSeconds * 1e6) / count);
    return {
      cpuSeconds: this.#cpuSeconds,
      cpuPerDelivery: per(delivered),
      cpuPerMessage: per(sent),
      busiestThread: {
        name: busiest.name,
        share: this.#seconds === 0 ? 0 : busiest.cpuSeconds / this.#seconds,
      },
      threads,
      bytesBefore: this.#before.bytes,
      bytesAfter: this.#last.bytes,
      bytesMost: this.#peakBytes,
      bytesPerConnection: this.#perConnection,
    };
  }

  #takeSample(): UsageSample | undefined {
    const sample = this.#process?.sample();
    this.hasEnded = this.#process !== undefined && sample === undefined;
    this.#last = sample ?? this.#last;
    this.#peakBytes = Math.max(this.#peakBytes, sample?.bytes ?? 0);
    return sample;
  }
}
