/** Defines the charts of a result. */

import { formatBytes, formatCount, formatDuration, formatNumber, formatSpan } from '../result/format.ts';
import { LATENCIES, type Latency, type LatencyKind, type Result, type Second } from '../result/result.ts';
import { isMeasured, PHASES } from '../scenario/scenario.ts';
import { type Bucket, bucketLength, bucketsOf } from './buckets.ts';
import type { Band, Chart, Line } from './chart.ts';
import {
  byteScale,
  countScale,
  durationScale,
  isLogarithmic,
  maximum,
  numberScale,
  percentileScale,
  type Scale,
  timeScale,
} from './scale.ts';

/** Omits charts that would be empty. */
export function chartsOf(result: Result): Chart[] {
  return [...byPercentile(result), ...overTime(result.series)];
}

interface Measured {
  readonly kind: LatencyKind;
  readonly style: number;
  readonly latency: Latency;
  readonly points: readonly (readonly [number, number])[];
}

function byPercentile(result: Result): Chart[] {
  const measured = LATENCIES.flatMap((kind, style): Measured[] => {
    const latency = result.latency[kind];
    return latency === null || latency.count === 0
      ? []
      : [{ kind, style, latency, points: pointsOf(latency) }];
  });
  const finest = measured.reduce<Measured | undefined>(
    (most, one) => (most === undefined || one.points.length > most.points.length ? one : most),
    undefined,
  );
  if (finest === undefined) return [];
  const count = maximum(
    measured.map(({ latency }) => latency.count),
    1,
  );
  const values = measured.flatMap(({ points }) => points.map(([, value]) => value));
  return [
    {
      title: 'Latency by percentile',
      note: `The latency that this share of all did not exceed; the slowest are on the right.${scaleNote(values)}`,
      horizontal: () => percentileScale(count),
      vertical: (labels) => durationScale(values, labels),
      lines: measured.map(({ kind, style, points }) => ({ name: kind, style, points })),
      drawnAs: 'lines',
      bands: [],
      hints: finest.points.slice(1).map(([percentile], index) => ({
        from: finest.points[index]?.[0] ?? 0,
        to: percentile,
        text: `${Number(percentile.toFixed(4))} %: ${measured.flatMap((one) => describe(one, percentile)).join(', ')}`,
      })),
    },
  ];
}

/**
 * Places the maximum at the highest percentile that the number of values supports, because 100 % would be infinitely far away.
 */
function pointsOf({ curve, count }: Latency): (readonly [number, number])[] {
  const last = 100 * (1 - 1 / count);
  return curve.map(([percentile, value]) => [Math.min(percentile, last), value]);
}

function describe({ kind, points }: Measured, percentile: number): string[] {
  const found = points.find(([at]) => at >= percentile);
  return found === undefined ? [] : [`${kind} ${formatDuration(found[1])}`];
}

function overTime(series: readonly Second[]): Chart[] {
  const buckets = bucketsOf(series);
  if (buckets.length === 0) return [];
  const bands = bandsOf(series);
  const length = bucketLength(series);
  const every = length > 1 ? ` Each point is the average of ${formatSpan(length)}.` : '';
  const worst = length > 1 ? ` Each point is the worst second of ${formatSpan(length)}.` : '';

  const chart = (
    title: string,
    note: string,
    vertical: (values: readonly number[], labels: number) => Scale,
    format: (value: number) => string,
    figures: readonly Figure[],
    drawnAs: Chart['drawnAs'] = 'lines',
  ): Chart[] => {
    const lines = figures.map((figure) => lineOf(figure, buckets));
    const all = valuesOf(figures, buckets);
    if (all.length === 0) return [];
    const measured = valuesOf(
      figures,
      buckets.filter(({ phase }) => MEASURED.has(phase)),
    );
    // Peaks of the ramp, such as from checking passwords, must not flatten the rest of the chart.
    const values = measured.length === 0 ? all : measured;
    const isCut = vertical(values, USUAL_LABELS).position(maximum(all, 0)) > 1;
    return [
      {
        title,
        note: `${note}${isCut ? ' Unmeasured periods may be cut off at the top.' : ''}`,
        horizontal: (labels) => timeScale(bands, labels),
        vertical: (labels) => vertical(values, labels),
        lines,
        drawnAs,
        bands,
        hints: buckets.map((bucket) => ({
          from: bucket.from,
          to: bucket.to,
          text: hintOf(bucket, figures, format),
        })),
      },
    ];
  };

  const numbers = (values: readonly number[], labels: number): Scale =>
    numberScale(maximum(values, 0), labels);
  const counts = (values: readonly number[], labels: number): Scale => countScale(maximum(values, 0), labels);
  const bytes = (values: readonly number[], labels: number): Scale => byteScale(maximum(values, 0), labels);
  return [
    ...chart(
      'Delivery latency',
      `From when a message was due until a recipient had it.${worst}${scaleNote(buckets.flatMap(deliverTimes))}`,
      durationScale,
      formatDuration,
      [
        { name: 'p50', style: 4, of: ({ deliverP50 }) => deliverP50 },
        { name: 'p99', style: 1, of: ({ deliverP99 }) => deliverP99 },
      ],
    ),
    ...chart(
      'Rates',
      `Messages and deliveries per second; a message has one delivery for each recipient.${every}`,
      numbers,
      formatNumber,
      [
        { name: 'delivered', style: 4, of: ({ delivered }) => delivered },
        { name: 'sent', style: 1, of: ({ sent }) => sent },
      ],
    ),
    ...chart(
      'Connections',
      `Open at the end of each ${length > 1 ? formatSpan(length) : 'second'}.`,
      counts,
      formatCount,
      [{ name: 'connections', style: 4, of: ({ connections }) => connections }],
    ),
    ...(series.some(({ errors }) => errors > 0)
      ? chart(
          'Errors',
          length > 1 ? `In each ${formatSpan(length)}.` : 'In each second.',
          counts,
          formatCount,
          [{ name: 'errors', style: 5, of: ({ errors }) => errors }],
          'bars',
        )
      : []),
    ...chart('Server: CPU', `Cores in use.${every}`, numbers, formatNumber, [
      { name: 'cores', style: 4, of: ({ serverCores }) => serverCores },
    ]),
    ...chart(
      'Server: memory',
      `Resident memory of all its processes.${length > 1 ? ` Each point is the maximum of ${formatSpan(length)}.` : ''}`,
      bytes,
      formatBytes,
      [{ name: 'memory', style: 4, of: ({ serverBytes }) => serverBytes }],
    ),
  ];
}

function deliverTimes({ deliverP50, deliverP99 }: Bucket): number[] {
  return [deliverP50, deliverP99].filter((value) => value !== null);
}

function scaleNote(milliseconds: readonly number[]): string {
  return isLogarithmic(milliseconds) ? ' Logarithmic.' : '';
}

/** Labels of a vertical axis. */
const USUAL_LABELS = 5;

function valuesOf(figures: readonly Figure[], buckets: readonly Bucket[]): number[] {
  return buckets.flatMap((bucket) => figures.map(({ of }) => of(bucket)).filter((value) => value !== null));
}

interface Figure {
  readonly name: string;
  readonly style: number;
  readonly of: (bucket: Bucket) => number | null;
}

function lineOf({ name, style, of }: Figure, buckets: readonly Bucket[]): Line {
  return { name, style, points: buckets.map((bucket) => [(bucket.from + bucket.to) / 2, of(bucket)]) };
}

function hintOf(bucket: Bucket, figures: readonly Figure[], format: (value: number) => string): string {
  const values = figures.map(({ name, of }) => {
    const value = of(bucket);
    return `${name} ${value === null ? 'none' : format(value)}`;
  });
  return `${formatSpan(bucket.from)} to ${formatSpan(bucket.to)}, ${bucket.phase.replaceAll('_', ' ')}: ${values.join(', ')}`;
}

/** The phases that are part of the figures. Others, such as the drain, are not. */
const MEASURED = new Set<string>(PHASES.filter((kind) => isMeasured({ kind, seconds: 1, rate: 1 })));

/** Merges consecutive phases of the same kind. */
function bandsOf(series: readonly Second[]): Band[] {
  const bands: Band[] = [];
  for (const { second, phase } of series) {
    const label = phase.replaceAll('_', ' ');
    const before = bands.at(-1);
    if (before?.label === label) bands[bands.length - 1] = { ...before, to: second };
    else bands.push({ from: before?.to ?? 0, to: second, label, isUnmeasured: !MEASURED.has(phase) });
  }
  return bands;
}
