/** Divides a run into as many buckets as a chart can show, each of whole seconds. */

import type { Second } from '../result/result.ts';
import { roundSeconds } from './scale.ts';

export interface Bucket {
  /** Seconds since the start of the run. */
  readonly from: number;
  readonly to: number;
  readonly phase: string;
  /** Per second. */
  readonly sent: number;
  readonly delivered: number;
  /** Total of the bucket. */
  readonly errors: number;
  /** At the end of the bucket. */
  readonly connections: number;
  /** Milliseconds, in the worst second. */
  readonly deliverP50: number | null;
  readonly deliverP99: number | null;
  /** Average. */
  readonly serverCores: number | null;
  /** Maximum. */
  readonly serverBytes: number | null;
}

/** Keeps two points of a chart at least about 2 pixels apart. */
const MAX_BUCKETS = 240;

/** Length of a bucket in seconds; approximate, because timers are not exact. */
export function bucketLength(series: readonly Second[]): number {
  return roundSeconds(series.length / MAX_BUCKETS);
}

export function bucketsOf(series: readonly Second[]): Bucket[] {
  const length = bucketLength(series);
  const buckets: Bucket[] = [];
  for (let start = 0; start < series.length; start += length) {
    const seconds = series.slice(start, start + length);
    const last = seconds.at(-1);
    if (last !== undefined) buckets.push(bucketOf(series[start - 1]?.second ?? 0, seconds, last));
  }
  return buckets;
}

function bucketOf(from: number, seconds: readonly Second[], last: Second): Bucket {
  const all = (of: (second: Second) => number): number =>
    seconds.reduce((sum, second) => sum + of(second), 0);
  const known = (of: (second: Second) => number | null): number[] =>
    seconds.map(of).filter((value) => value !== null);
  const most = (values: readonly number[]): number | null =>
    values.length === 0 ? null : Math.max(...values);
  const cores = known(({ serverCores }) => serverCores);
  const time = last.second > from ? last.second - from : seconds.length;
  return {
    from,
    to: last.second,
    phase: last.phase,
    sent: all(({ sent }) => sent) / time,
    delivered: all(({ delivered }) => delivered) / time,
    errors: all(({ errors }) => errors),
    connections: last.connections,
    deliverP50: most(known(({ deliverP50 }) => deliverP50)),
    deliverP99: most(known(({ deliverP99 }) => deliverP99)),
    serverCores: cores.length === 0 ? null : cores.reduce((sum, value) => sum + value, 0) / cores.length,
    serverBytes: most(known(({ serverBytes }) => serverBytes)),
  };
}
