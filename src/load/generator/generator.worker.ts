/** A thread of the generator: its users, and what they measure. */

import { serve, threadData } from '../../actors/kernel/thread.ts';
import { loadWire } from '../wires/wires.ts';
import type { Count, Errors } from './counts.ts';
import type { Arrived, Said, Settled } from './delivery-check.ts';
import type { CrowdPlan } from './group-plan.ts';
import type { SharedSide, Side } from './latencies.ts';
import { Delay } from './timer-lag.ts';
import { Crowd } from './user-group.ts';

/** What has happened since the last report. */
export interface Report {
  readonly count: Count;
  readonly errors: Errors;
  /** Which histograms hold what was measured. */
  readonly side: Side;
  readonly connections: number;
  /** Everybody has lost its connection. */
  readonly isDeserted: boolean;
  /** The part of the time that the thread was at work. */
  readonly busy: number;
  readonly cpuSeconds: number;
  /** Milliseconds that timers took longer than asked. */
  readonly delays: readonly number[];
}

const plan = threadData<CrowdPlan>();
const crowd = new Crowd(plan, await loadWire(plan.wire));
const delay = new Delay();
let utilization = performance.eventLoopUtilization();
let cpu = process.threadCpuUsage();

const api = {
  /** The two sides: the very ones that this thread writes to. */
  histograms(): readonly [SharedSide, SharedSide] {
    return crowd.latencies.share();
  },

  comeIn(seconds: number, deadlineMs: number): Promise<boolean> {
    return crowd.comeIn(seconds, deadlineMs);
  },

  begin(rate: number, isMeasured: boolean): void {
    crowd.begin(rate, isMeasured);
  },

  storm(): void {
    crowd.storm();
  },

  silence(): void {
    crowd.silence();
  },

  report(): Report {
    crowd.tick();
    const since = utilization;
    utilization = performance.eventLoopUtilization();
    const { user, system } = process.threadCpuUsage(cpu);
    cpu = process.threadCpuUsage();
    return {
      ...crowd.counts.take(),
      side: crowd.latencies.turn(),
      connections: crowd.connections,
      isDeserted: crowd.isDeserted,
      busy: performance.eventLoopUtilization(utilization, since).utilization,
      cpuSeconds: (user + system) / 1e6,
      delays: delay.take(),
    };
  },

  /** No answer is owed to anybody, and everybody is back. */
  isQuiet(): boolean {
    return crowd.isQuiet;
  },

  said(): Said {
    return crowd.said();
  },

  settle(all: readonly Said[]): Settled & Arrived {
    return crowd.settle(all);
  },

  leave(): void {
    crowd.leave();
  },
};

export type GeneratorApi = typeof api;
serve(api);
