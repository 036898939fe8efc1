/** Metrics about a thread that are cheap to keep. */

import { monitorEventLoopDelay, performance } from 'node:perf_hooks';

/** Names include the unit. Except for levels (`queued`, `sessions`), values count up from the start of the thread. */
export type Metrics = Readonly<Record<string, number>>;

const NANOSECONDS = 1_000_000;

/** Undefined until first used, so that a thread whose metrics nobody reads does not wake up for them. */
let delays: ReturnType<typeof monitorEventLoopDelay> | undefined;

/**
 * Metrics common to all threads. `loopActiveMs`, `loopIdleMs`: how the event loop has spent the thread's lifetime.
 * `loopDelayMaxMs`, `loopDelayP99Ms`: the delay of the event loop since the previous call; 0 at the first call.
 */
export function threadMetrics(): Metrics {
  const { active, idle } = performance.eventLoopUtilization();
  const loopDelayMaxMs = (delays?.max ?? 0) / NANOSECONDS;
  const loopDelayP99Ms = (delays?.percentile(99) ?? 0) / NANOSECONDS;
  delays ??= monitorEventLoopDelay();
  delays.reset();
  delays.enable();
  return {
    loopActiveMs: active,
    loopIdleMs: idle,
    loopDelayMaxMs,
    loopDelayP99Ms,
    heapBytes: process.memoryUsage().heapUsed,
  };
}
