/** Two results side by side: first what stands against comparing them, then what has become better or worse. */

import { styleText } from 'node:util';
import { printable } from '../../common/printable.ts';
import { differencesOf } from './comparability.ts';
import { formatBytes, formatCount, formatCounted, formatDuration, formatNumber } from './format.ts';
import { errorsOf } from './metric.ts';
import { isTold } from './percentile.ts';
import { isValid, LATENCIES, type Latency, type LatencyKind, type Result } from './result.ts';
import { alignColumns, labelled, wrapText } from './text-columns.ts';

const WIDTH = 80;

const NOT_JUDGED = 'not judged';

/** Closer than this, two runs of the same program may be as well. */
const NOISE = 0.05;

export interface Named {
  /** Of the file, for people. */
  readonly name: string;
  readonly result: Result;
}

interface Figure {
  readonly name: string;
  /** Null if there was nothing to measure. */
  readonly read: (result: Result) => number | null;
  readonly format: (value: number) => string;
  readonly better: 'less' | 'more';
  /** Of a count every difference matters. */
  readonly isExact: boolean;
  /** Whether it says something even of a run that is not valid. */
  readonly isLasting: boolean;
}

interface Row {
  readonly cells: readonly string[];
  /** Empty where only one has a value; `NOT_JUDGED` where a run is not valid. */
  readonly better: 'A' | 'B' | '=' | '' | typeof NOT_JUDGED;
}

const PERCENTILES: readonly (readonly [number, (latency: Latency) => number])[] = [
  [50, (latency) => latency.p50],
  [99, (latency) => latency.p99],
  [99.9, (latency) => latency.p999],
];

const GROUPS: readonly (readonly Figure[])[] = [
  LATENCIES.flatMap(latencies),
  [
    rate('sent a second', ({ sentRate }) => sentRate),
    rate('delivered a second', ({ deliveredRate }) => deliveredRate),
  ],
  [
    used('CPU a delivery', microseconds, ({ cpuPerDelivery }) => cpuPerDelivery),
    used('CPU a message', microseconds, ({ cpuPerMessage }) => cpuPerMessage),
    used('memory at most', formatBytes, ({ bytesMost }) => bytesMost),
    used('memory a connection', formatBytes, ({ bytesPerConnection }) => bytesPerConnection),
  ],
  [
    count('lost', ({ correctness }) => correctness.lost),
    count('repeated', ({ correctness }) => correctness.repeated),
    count('out of order', ({ correctness }) => correctness.reordered),
    count('another order', ({ correctness }) => correctness.diverged),
    count('to somebody else', ({ correctness }) => correctness.foreign),
    count('unknown', ({ correctness }) => correctness.unknown),
    count('refused', ({ figures }) => figures.refused),
    count('dropped', ({ figures }) => figures.dropped),
    count('errors', errorsOf),
  ],
];

const SPACER: Row = { cells: ['', '', '', '', ''], better: '' };

/** From A to B is read as from before to after. */
const COLORS: Readonly<Record<string, 'red' | 'green'>> = { A: 'red', B: 'green' };

/** Lines of at most 80 columns, each ended by a newline. */
export function renderComparison(a: Named, b: Named, { color }: { readonly color: boolean }): string {
  const paint = (style: Parameters<typeof styleText>[0], text: string): string =>
    color ? styleText(style, text, { validateStream: false }) : text;
  const isJudged = isValid(a.result) && isValid(b.result);
  const groups = GROUPS.map((group) =>
    group.flatMap((figure) => rowOf(figure, a.result, b.result, isJudged)),
  );
  const rows = groups.filter((group) => group.length > 0).flatMap((group) => [SPACER, ...group]);
  const [head = '', , ...table] = alignColumns(
    [['', 'A', 'B', 'B/A', 'better'], ...rows.map(({ cells }) => cells)],
    ['left', 'right', 'right', 'right', 'left'],
  );
  const warnings = differencesOf(a.result, b.result).flatMap((text) =>
    labelled('WARNING', [printable(text)], 9, WIDTH),
  );
  const lines = [
    ...describe('A', a),
    ...describe('B', b),
    ...(warnings.length === 0 ? [] : ['', ...warnings.map((line) => paint(['yellow', 'bold'], line))]),
    '',
    paint('dim', head),
    ...table.map((line, index) => {
      const style = COLORS[rows[index + 1]?.better ?? ''];
      return style === undefined ? line : paint(style, line);
    }),
    '',
    ...wrapText(closing(rows), WIDTH),
  ];
  return `${lines.join('\n')}\n`;
}

function describe(letter: string, { name, result }: Named): string[] {
  const { environment, scenario, at } = result;
  const text = `${name}: ${scenario.name}, ${at}, Parley ${environment.parley}`;
  return labelled(letter, [printable(text)], 3, WIDTH);
}

function rowOf(figure: Figure, a: Result, b: Result, isJudged: boolean): Row[] {
  const [left, right] = [figure.read(a), figure.read(b)];
  if (left === null && right === null) return [];
  const format = (value: number | null): string => (value === null ? '–' : figure.format(value));
  const ratio = left === null || right === null || left === 0 ? '–' : (right / left).toFixed(2);
  const better = compare(figure, left, right, isJudged);
  return [{ cells: [figure.name, format(left), format(right), ratio, better], better }];
}

function compare(figure: Figure, a: number | null, b: number | null, isJudged: boolean): Row['better'] {
  if (a === null || b === null) return '';
  return isJudged || figure.isLasting ? betterOf(figure, a, b) : NOT_JUDGED;
}

function betterOf({ better, isExact }: Figure, a: number, b: number): 'A' | 'B' | '=' {
  const isSame = isExact ? a === b : Math.abs(a - b) <= NOISE * Math.max(Math.abs(a), Math.abs(b));
  if (isSame) return '=';
  return a < b === (better === 'less') ? 'A' : 'B';
}

function closing(rows: readonly Row[]): string {
  const times = (better: string): number => rows.filter((row) => row.better === better).length;
  const unjudged =
    times(NOT_JUDGED) === 0
      ? ''
      : ` ${formatCount(times(NOT_JUDGED))} are not judged, because a run is not valid.`;
  return `B is better in ${formatCounted(times('B'), 'figure', 'figures')} and worse in ${formatCount(times('A'))}; ${formatCount(times('='))} are the same, or closer than ${NOISE * 100} %.${unjudged} Two runs of the same program differ too: repeat each before you trust a difference.`;
}

function latencies(kind: LatencyKind): Figure[] {
  return PERCENTILES.map(([percentile, of]) => ({
    name: `${kind} p${percentile}`,
    read({ latency }) {
      const measured = latency[kind];
      return measured !== null && isTold(percentile, measured.count) ? of(measured) : null;
    },
    format: formatDuration,
    better: 'less',
    isExact: false,
    isLasting: false,
  }));
}

function rate(name: string, of: (figures: Result['figures']) => number): Figure {
  return {
    name,
    read: ({ figures }) => (figures.seconds > 0 ? of(figures) : null),
    format: formatNumber,
    better: 'more',
    isExact: false,
    isLasting: false,
  };
}

function used(
  name: string,
  format: (value: number) => string,
  of: (usage: NonNullable<Result['usage']>) => number | null,
): Figure {
  return {
    name,
    read: ({ usage }) => (usage === null ? null : of(usage)),
    format,
    better: 'less',
    isExact: false,
    isLasting: true,
  };
}

function count(name: string, read: (result: Result) => number): Figure {
  return { name, read, format: formatCount, better: 'less', isExact: true, isLasting: true };
}

function microseconds(value: number): string {
  return formatDuration(value / 1_000);
}
