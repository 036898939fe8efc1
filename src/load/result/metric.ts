/** The figures of a result that thresholds can refer to, by name. */

import { LATENCIES, type Latency, type LatencyKind, type Result } from './result.ts';

/** The unit of a figure: milliseconds, bytes, or none. */
export type Dimension = 'time' | 'bytes' | 'number';

export interface Metric {
  readonly dimension: Dimension;
  /** Null if nothing was measured. */
  read(result: Result): number | null;
  /** The figure as a fraction of the messages due, from 0 to 1; undefined if that makes no sense. */
  readonly share?: (result: Result) => number | null;
}

const STATISTICS: Readonly<Record<string, (latency: Latency) => number>> = {
  p50: (latency) => latency.p50,
  p90: (latency) => latency.p90,
  p95: (latency) => latency.p95,
  p99: (latency) => latency.p99,
  'p99.9': (latency) => latency.p999,
  'p99.99': (latency) => latency.p9999,
  max: (latency) => latency.max,
  mean: (latency) => latency.mean,
};

/** `p99` refers to `deliver`; other kinds have a prefix, as in `login.p99`. */
export const METRICS: ReadonlyMap<string, Metric> = new Map([
  ...latencies('', 'deliver'),
  ...number('lost', (result) => ofDeliveries(result, result.correctness.lost)),
  ...number('repeated', (result) => ofDeliveries(result, result.correctness.repeated)),
  ...number('reordered', (result) => ofDeliveries(result, result.correctness.reordered)),
  ...number('diverged', (result) => ofDeliveries(result, result.correctness.diverged)),
  ...number('foreign', (result) => ofDeliveries(result, result.correctness.foreign)),
  ...number('unknown', ({ correctness }) => correctness.unknown),
  ...number('refused', ({ figures }) => figures.refused),
  ...number('dropped', ({ figures }) => figures.dropped, true),
  ...number('late', ({ figures }) => figures.late, true),
  ...number('errors', errorsOf),
  ...number('sent_rate', ({ figures }) => (figures.seconds > 0 ? figures.sentRate : null)),
  ...number('delivered_rate', ({ figures }) => (figures.seconds > 0 ? figures.deliveredRate : null)),
  ['cpu_per_delivery', { dimension: 'time', read: ({ usage }) => milliseconds(usage?.cpuPerDelivery) }],
  ['server_memory', { dimension: 'bytes', read: ({ usage }) => usage?.bytesMost ?? null }],
  ['bytes_per_connection', { dimension: 'bytes', read: ({ usage }) => usage?.bytesPerConnection ?? null }],
  ...LATENCIES.flatMap((kind) => latencies(`${kind}.`, kind)),
]);

/** The number of errors of all names. */
export function errorsOf({ figures }: Result): number {
  return Object.values(figures.errors).reduce((sum, count) => sum + count, 0);
}

function latencies(prefix: string, kind: LatencyKind): [string, Metric][] {
  return Object.entries(STATISTICS).map(([name, of]) => [
    `${prefix}${name}`,
    {
      dimension: 'time',
      read({ latency }) {
        const measured = latency[kind];
        return measured === null || measured.count === 0 ? null : of(measured);
      },
    },
  ]);
}

function number(name: string, read: Metric['read'], hasShare = false): [string, Metric][] {
  const metric: Metric = { dimension: 'number', read };
  if (!hasShare) return [[name, metric]];
  const share: Metric['read'] = (result) => {
    const count = read(result);
    return count === null || result.figures.due === 0 ? null : count / result.figures.due;
  };
  return [[name, { ...metric, share }]];
}

/** Null if no deliveries were expected, because then a count of 0 means nothing. */
function ofDeliveries({ correctness }: Result, count: number): number | null {
  return correctness.expected === 0 && correctness.delivered === 0 ? null : count;
}

function milliseconds(microseconds: number | null | undefined): number | null {
  return microseconds === null || microseconds === undefined ? null : microseconds / 1_000;
}
