/** The facts about a result in words and numbers, shown both in the terminal and in the report. */

import { describeOutcome, type Outcome } from './expect.ts';
import {
  formatBytes,
  formatCount,
  formatCounted,
  formatDuration,
  formatNumber,
  formatShare,
  formatSpan,
} from './format.ts';
import { isReportable } from './percentile.ts';
import { faultsOf, isValid, LATENCIES, type Latency, type Result } from './result.ts';

export interface ResultFact {
  readonly label: string;
  readonly texts: readonly string[];
  readonly isBad: boolean;
  /** True if the text is a shell command to copy. */
  readonly isCommand: boolean;
}

export interface Row {
  readonly name: string;
  /** In the order of `LATENCY_COLUMNS`. */
  readonly cells: readonly string[];
}

export const LATENCY_COLUMNS = ['p50', 'p90', 'p99', 'p99.9', 'max', 'count'] as const;

/** Most errors, and most examples of faults, that are listed individually. */
const LISTED = 12;

/** One row for each kind of latency that was measured. */
export function latencyRows({ latency }: Result): Row[] {
  return LATENCIES.flatMap((kind) => {
    const measured = latency[kind];
    return measured === null || measured.count === 0 ? [] : [{ name: kind, cells: cellsOf(measured) }];
  });
}

/** The facts in reading order. */
export function factsOf(result: Result): ResultFact[] {
  return [
    fact('Messages', [messages(result)]),
    fact('Deliveries', [deliveries(result)]),
    correctness(result),
    fact('Connections', [connections(result)]),
    fact('Server', server(result)),
    generator(result),
    errors(result),
  ];
}

/** Everything that is needed to repeat the run. */
export function originOf(result: Result): ResultFact[] {
  const { scenario, server, environment, seed } = result;
  const hasSeed = /(^|\s)--seed\b/.test(environment.command);
  return [
    fact('Scenario', [`${scenario.name}${scenario.about === '' ? '' : `: ${scenario.about}`}`]),
    fact('Target', [
      `${server.name === '' ? '' : `${server.name}, `}${server.protocol} at ${server.address}${server.isOwn ? ', started for this run' : ''}`,
    ]),
    fact('Machine', [
      `${environment.cpu}, ${formatCounted(environment.cores, 'core', 'cores')}, ${formatBytes(environment.memoryBytes)}; ${environment.system}; Node ${environment.node}, Parley ${environment.parley}; ${formatCount(environment.openFiles)} open files allowed`,
    ]),
    fact('Started', [result.at]),
    fact('Seed', [String(seed)]),
    {
      ...fact('Repeat', [hasSeed ? environment.command : `${environment.command} --seed ${seed}`]),
      isCommand: true,
    },
  ];
}

/** `p99<50ms: 8.12 ms` */
export function outcomeText(outcome: Outcome): string {
  return `${outcome.text}: ${describeOutcome(outcome)}`;
}

function cellsOf(latency: Latency): string[] {
  const { count, p50, p90, p99, p999, max } = latency;
  const percentiles = [
    [50, p50],
    [90, p90],
    [99, p99],
    [99.9, p999],
  ] as const;
  return [
    ...percentiles.map(([percentile, value]) =>
      isReportable(percentile, count) ? formatDuration(value) : '–',
    ),
    formatDuration(max),
    formatCount(count),
  ];
}

function fact(label: string, texts: readonly string[], isBad = false): ResultFact {
  return { label, texts, isBad, isCommand: false };
}

function messages({ figures }: Result): string {
  const { due, sent, acknowledged, refused } = figures;
  return `${formatCount(due)} due, ${formatCount(sent)} sent (${formatNumber(figures.sentRate)} per second), ${formatCount(acknowledged)} acknowledged, ${formatCount(refused)} refused, in ${formatSpan(figures.seconds)}`;
}

function deliveries({ figures }: Result): string {
  return `${formatCount(figures.delivered)} (${formatNumber(figures.deliveredRate)} per second)`;
}

function connections({ figures }: Result): string {
  const logins = formatCounted(figures.logins, 'login', 'logins');
  return `${formatCount(figures.connections)}; ${logins}, ${formatCounted(figures.resumes, 'resume', 'resumes')}`;
}

function correctness(result: Result): ResultFact {
  const { expected, delivered, lost, repeated, reordered, diverged, foreign, unknown, examples } =
    result.correctness;
  const isBad = faultsOf(result) > 0;
  const counts = `${formatCount(lost)} lost, ${formatCount(repeated)} repeated, ${formatCount(reordered)} out of order, ${formatCounted(diverged, 'reader', 'readers')} with another order, ${formatCount(foreign)} to somebody else, ${formatCount(unknown)} unknown`;
  const texts = [
    counts,
    `${formatCounted(expected, 'delivery', 'deliveries')} expected in the whole run, ${formatCount(delivered)} arrived`,
  ];
  return fact('Correctness', [...texts, ...(isBad ? truncateList(examples) : [])], isBad);
}

function server({ usage, figures }: Result): string[] {
  if (usage === null) return ['not measured, because its process is unknown'];
  const { busiestThread: busiest, cpuPerDelivery, cpuPerMessage, bytesPerConnection } = usage;
  const cores = figures.seconds > 0 ? usage.cpuSeconds / figures.seconds : 0;
  const cpu = [
    `${formatNumber(cores)} CPU cores`,
    ...(cpuPerDelivery === null ? [] : [`${microseconds(cpuPerDelivery)} CPU per delivery`]),
    ...(cpuPerMessage === null ? [] : [`${microseconds(cpuPerMessage)} CPU per message`]),
    `busiest thread ${busiest.name} ${formatShare(busiest.share)}`,
  ];
  const memory = [
    `${formatBytes(usage.bytesMost)} peak memory`,
    `${formatBytes(usage.bytesBefore)} before, ${formatBytes(usage.bytesAfter)} at the end`,
    ...(bytesPerConnection === null ? [] : [`${formatBytes(bytesPerConnection)} per connection`]),
  ];
  const threads = usage.threads.map(
    ({ name, cpuSeconds }) =>
      `${name} ${formatShare(usage.cpuSeconds > 0 ? cpuSeconds / usage.cpuSeconds : 0)}`,
  );
  return [
    cpu.join(', '),
    ...(threads.length > 1 ? [`CPU time by thread: ${threads.join(', ')}`] : []),
    memory.join('; '),
  ];
}

function generator(result: Result): ResultFact {
  const { generator: own, figures } = result;
  const late = figures.due > 0 ? ` (${formatShare(figures.late / figures.due)})` : '';
  return fact(
    'Generator',
    [
      `${formatCount(figures.late)} sent late${late}, ${formatCount(figures.dropped)} dropped`,
      `${formatCounted(own.threads, 'thread', 'threads')}; the busiest was busy for ${formatShare(own.busy)} of the time and on a CPU for ${formatShare(own.busiestShare)}; timers were late by ${formatDuration(own.delayP99)} (p99), ${formatDuration(own.delayMax)} (max)`,
    ],
    !isValid(result),
  );
}

function errors({ figures }: Result): ResultFact {
  const sorted = Object.entries(figures.errors)
    .filter(([, count]) => count > 0)
    .sort(([, a], [, b]) => b - a);
  if (sorted.length === 0) return fact('Errors', ['none']);
  return fact('Errors', truncateList(sorted.map(([name, count]) => `${formatCount(count)} × ${name}`)), true);
}

function truncateList(texts: readonly string[]): string[] {
  const more = texts.length - LISTED;
  return more > 0 ? [...texts.slice(0, LISTED), `and ${formatCount(more)} more`] : [...texts];
}

function microseconds(value: number): string {
  return formatDuration(value / 1_000);
}
