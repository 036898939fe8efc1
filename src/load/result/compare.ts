/** Renders two results side by side: first why they may not be comparable, then what became better or worse. */

import { styleText } from 'node:util';
import { printable } from '../../common/printable.ts';
import { differencesOf } from './comparability.ts';
import { formatBytes, formatCount, formatCounted, formatDuration, formatNumber } from './format.ts';
import { errorsOf } from './metric.ts';
import { isReportable } from './percentile.ts';
import { isValid, LATENCIES, type Latency, type LatencyKind, type Result } from './result.ts';
import { alignColumns, labelled, wrapText } from './text-columns.ts';

const WIDTH = 80;

const NOT_JUDGED = 'not judged';

/** Runs of the same program may differ by this fraction. */
const NOISE = 0.05;

export interface Named {
  /** The name of the file. */
  readonly name: string;
  readonly result: Result;
}

interface Figure {
  readonly name: string;
  /** Null if nothing was measured. */
  readonly read: (result: Result) => number | null;
  readonly format: (value: number) => string;
  readonly better: 'less' | 'more';
  /** True for counts, where every difference matters. */
  readonly isExact: boolean;
  /** True if the figure is meaningful even if the run is not valid. */
  readonly isAlwaysJudged: boolean;
}

interface Row {
  readonly cells: readonly string[];
  /** Empty if only one has a value; `NOT_JUDGED` if a run is not valid. */
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
    rate('sent per second', ({ sentRate }) => sentRate),
    rate('delivered per second', ({ deliveredRate }) => deliveredRate),
  ],
  [
    usage('CPU per delivery', microseconds, ({ cpuPerDelivery }) => cpuPerDelivery),
    usage('CPU per message', microseconds, ({ cpuPerMessage }) => cpuPerMessage),
    usage('peak memory', formatBytes, ({ bytesMost }) => bytesMost),
    usage('memory per connection', formatBytes, ({ bytesPerConnection }) => bytesPerConnection),
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

/** B counts as the new state: green if it is better, red if A is. */
const COLORS: Readonly<Record<string, 'red' | 'green'>> = { A: 'red', B: 'green' };

/** Lines of at most 80 columns, each terminated by a newline. */
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
    ...wrapText(conclusion(rows), WIDTH),
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
  return isJudged || figure.isAlwaysJudged ? betterOf(figure, a, b) : NOT_JUDGED;
}

function betterOf({ better, isExact }: Figure, a: number, b: number): 'A' | 'B' | '=' {
  const isSame = isExact ? a === b : Math.abs(a - b) <= NOISE * Math.max(Math.abs(a), Math.abs(b));
  if (isSame) return '=';
  return a < b === (better === 'less') ? 'A' : 'B';
}

function conclusion(rows: readonly Row[]): string {
  const times = (better: string): number => rows.filter((row) => row.better === better).length;
  const unjudged =
    times(NOT_JUDGED) === 0
      ? ''
      : ` ${formatCount(times(NOT_JUDGED))} are not judged because a run is not valid.`;
  return `B is better in ${formatCounted(times('B'), 'figure', 'figures')} and worse in ${formatCount(times('A'))}; ${formatCount(times('='))} are the same or differ by less than ${NOISE * 100} %.${unjudged} Runs of the same program also differ, so repeat each before you trust a difference.`;
}

function latencies(kind: LatencyKind): Figure[] {
  return PERCENTILES.map(([percentile, of]) => ({
    name: `${kind} p${percentile}`,
    read({ latency }) {
      const measured = latency[kind];
      return measured !== null && isReportable(percentile, measured.count) ? of(measured) : null;
    },
    format: formatDuration,
    better: 'less',
    isExact: false,
    isAlwaysJudged: false,
  }));
}

function rate(name: string, of: (figures: Result['figures']) => number): Figure {
  return {
    name,
    read: ({ figures }) => (figures.seconds > 0 ? of(figures) : null),
    format: formatNumber,
    better: 'more',
    isExact: false,
    isAlwaysJudged: false,
  };
}

function usage(
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
    isAlwaysJudged: true,
  };
}

function count(name: string, read: (result: Result) => number): Figure {
  return { name, read, format: formatCount, better: 'less', isExact: true, isAlwaysJudged: true };
}

function microseconds(value: number): string {
  return formatDuration(value / 1_000);
}
