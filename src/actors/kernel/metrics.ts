/** What a thread can say about itself, in numbers that are cheap to keep. */

import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';

/** Names say the unit. What is not a level (`queued`, `sessions`) counts up from the start of the thread. */
export type Metrics = Readonly<Record<string, number>>;

const NANOSECONDS = 1_000_000;

/** Undefined until somebody asks: a thread whose metrics nobody reads does not wake up for them. */
let delays: ReturnType<typeof monitorEventLoopDelay> | undefined;

/**
 * What every thread measures. `loopActiveMs`, `loopIdleMs`: how the event loop has spent the life of the thread.
 * `loopDelayMaxMs`, `loopDelayP99Ms`: how late it was since the previous call; 0 at the first call.
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
    heapBytes: getHeapStatistics().used_heap_size,
  };
}
