/** A generator thread: runs a group of users and reports what they measure. */

import { serve, threadData } from '../../actors/kernel/thread.ts';
import { loadWire } from '../wires/wires.ts';
import type { Count, Errors } from './counts.ts';
import type { ArrivalCounts, Findings, SendRecord } from './delivery-check.ts';
import type { GroupPlan } from './group-plan.ts';
import type { SharedSide, Side } from './latencies.ts';
import { TimerLag } from './timer-lag.ts';
import { UserGroup } from './user-group.ts';

/** What happened since the last report. */
export interface Report {
  readonly count: Count;
  readonly errors: Errors;
  /** The side of the histograms that holds the latencies. */
  readonly side: Side;
  readonly connections: number;
  /** True if all users have lost their connections. */
  readonly isDeserted: boolean;
  /** The fraction of the time that the event loop was busy. */
  readonly busy: number;
  readonly cpuSeconds: number;
  /** How late timers fired, in milliseconds. */
  readonly timerLags: readonly number[];
}

const plan = threadData<GroupPlan>();
const group = new UserGroup(plan, await loadWire(plan.wire));
const timerLag = new TimerLag();
let utilization = performance.eventLoopUtilization();
let cpu = process.threadCpuUsage();

const api = {
  /** Both sides, in the memory that this thread records into. */
  histograms(): readonly [SharedSide, SharedSide] {
    return group.latencies.share();
  },

  rampUp(seconds: number, deadlineMs: number): Promise<boolean> {
    return group.rampUp(seconds, deadlineMs);
  },

  startPhase(rate: number, isMeasured: boolean): void {
    group.startPhase(rate, isMeasured);
  },

  storm(): void {
    group.storm();
  },

  stopSending(): void {
    group.stopSending();
  },

  report(): Report {
    group.tick();
    const since = utilization;
    utilization = performance.eventLoopUtilization();
    const { user, system } = process.threadCpuUsage(cpu);
    cpu = process.threadCpuUsage();
    return {
      ...group.counts.take(),
      side: group.latencies.swap(),
      connections: group.connections,
      isDeserted: group.isDeserted,
      busy: performance.eventLoopUtilization(utilization, since).utilization,
      cpuSeconds: (user + system) / 1e6,
      timerLags: timerLag.take(),
    };
  },

  /** True if no answer is outstanding, and all users that can reconnect are online. */
  isQuiet(): boolean {
    return group.isQuiet;
  },

  sendRecord(): SendRecord {
    return group.sendRecord();
  },

  verify(records: readonly SendRecord[]): Findings & ArrivalCounts {
    return group.verify(records);
  },

  leave(): void {
    group.leave();
  },
};

export type GeneratorApi = typeof api;
serve(api);
