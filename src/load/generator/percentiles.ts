/** Converts histograms of microseconds to the latencies of a result, in milliseconds. */

import type { Latency, Result } from '../result/result.ts';
import type { Histogram } from './histogram.ts';
import type { Histograms } from './latencies.ts';

const MS = 1_000;
/** The points of a chart whose axis gives the same space to each further nine. */
const CURVE = [
  0, 10, 25, 50, 75, 90, 95, 97.5, 99, 99.5, 99.75, 99.9, 99.95, 99.975, 99.99, 99.995, 99.999, 100,
];

/** Null if the histogram is empty. */
export function milliseconds(histogram: Histogram, percentile: number): number | null {
  return histogram.count === 0 ? null : histogram.percentile(percentile) / MS;
}

export function describeLatencies(of: Histograms): Result['latency'] {
  return {
    connect: describe(of.connect),
    login: describe(of.login),
    resume: describe(of.resume),
    acknowledge: describe(of.acknowledge),
    deliver: describe(of.deliver),
  };
}

function describe(histogram: Histogram): Latency | null {
  if (histogram.count === 0) return null;
  const at = (percentile: number): number => histogram.percentile(percentile) / MS;
  return {
    count: histogram.count,
    mean: histogram.mean / MS,
    min: histogram.min / MS,
    p50: at(50),
    p90: at(90),
    p95: at(95),
    p99: at(99),
    p999: at(99.9),
    p9999: at(99.99),
    max: histogram.max / MS,
    curve: CURVE.map((percentile) => [
      percentile,
      percentile === 0 ? histogram.min / MS : percentile === 100 ? histogram.max / MS : at(percentile),
    ]),
  };
}
