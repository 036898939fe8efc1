/** What is told of a result in words and numbers, the same in the terminal and on the page. */

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
import { isTold } from './percentile.ts';
import { faultsOf, isValid, LATENCIES, type Latency, type Result } from './result.ts';

export interface Fact {
  readonly label: string;
  readonly texts: readonly string[];
  readonly isBad: boolean;
  /** Of a shell, to be copied. */
  readonly isCommand: boolean;
}

export interface Row {
  readonly name: string;
  /** In the order of `LATENCY_COLUMNS`. */
  readonly cells: readonly string[];
}

export const LATENCY_COLUMNS = ['p50', 'p90', 'p99', 'p99.9', 'max', 'count'] as const;

/** Errors, and examples of broken promises, that are told one by one. */
const LISTED = 12;

/** One row for each kind of latency that was measured. */
export function latencyRows({ latency }: Result): Row[] {
  return LATENCIES.flatMap((kind) => {
    const measured = latency[kind];
    return measured === null || measured.count === 0 ? [] : [{ name: kind, cells: cellsOf(measured) }];
  });
}

/** `facts` in the order in which they are read. */
export function factsOf(result: Result): Fact[] {
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

/** What has to be known to do the same again. */
export function originOf(result: Result): Fact[] {
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
    fact('Begun', [result.at]),
    fact('Seed', [String(seed)]),
    {
      ...fact('Once more', [hasSeed ? environment.command : `${environment.command} --seed ${seed}`]),
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
    ...percentiles.map(([percentile, value]) => (isTold(percentile, count) ? formatDuration(value) : '–')),
    formatDuration(max),
    formatCount(count),
  ];
}

function fact(label: string, texts: readonly string[], isBad = false): Fact {
  return { label, texts, isBad, isCommand: false };
}

function messages({ figures }: Result): string {
  const { due, sent, acknowledged, refused } = figures;
  return `${formatCount(due)} due, ${formatCount(sent)} sent (${formatNumber(figures.sentRate)} a second), ${formatCount(acknowledged)} acknowledged, ${formatCount(refused)} refused, in ${formatSpan(figures.seconds)}`;
}

function deliveries({ figures }: Result): string {
  return `${formatCount(figures.delivered)} (${formatNumber(figures.deliveredRate)} a second)`;
}

function connections({ figures }: Result): string {
  const logins = formatCounted(figures.logins, 'login', 'logins');
  return `${formatCount(figures.connections)}; ${logins}, ${formatCounted(figures.resumes, 'return', 'returns')}`;
}

function correctness(result: Result): Fact {
  const { expected, delivered, lost, repeated, reordered, diverged, foreign, unknown, examples } =
    result.correctness;
  const isBad = faultsOf(result) > 0;
  const counts = `${formatCount(lost)} lost, ${formatCount(repeated)} repeated, ${formatCount(reordered)} out of order, ${formatCounted(diverged, 'reader', 'readers')} with another order, ${formatCount(foreign)} to somebody else, ${formatCount(unknown)} unknown`;
  const texts = [
    counts,
    `${formatCounted(expected, 'delivery', 'deliveries')} expected in the whole run, ${formatCount(delivered)} came`,
  ];
  return fact('Correctness', [...texts, ...(isBad ? shortened(examples) : [])], isBad);
}

function server({ usage, figures }: Result): string[] {
  if (usage === null) return ['not measured: its processes are not known'];
  const { busiestThread: busiest, cpuPerDelivery, cpuPerMessage, bytesPerConnection } = usage;
  const cores = figures.seconds > 0 ? usage.cpuSeconds / figures.seconds : 0;
  const cpu = [
    `${formatNumber(cores)} CPU cores`,
    ...(cpuPerDelivery === null ? [] : [`${microseconds(cpuPerDelivery)} CPU a delivery`]),
    ...(cpuPerMessage === null ? [] : [`${microseconds(cpuPerMessage)} CPU a message`]),
    `busiest thread ${busiest.name} ${formatShare(busiest.share)}`,
  ];
  const memory = [
    `${formatBytes(usage.bytesMost)} memory at most`,
    `${formatBytes(usage.bytesBefore)} before, ${formatBytes(usage.bytesAfter)} at the end`,
    ...(bytesPerConnection === null ? [] : [`${formatBytes(bytesPerConnection)} a connection`]),
  ];
  const threads = usage.threads.map(
    ({ name, cpuSeconds }) =>
      `${name} ${formatShare(usage.cpuSeconds > 0 ? cpuSeconds / usage.cpuSeconds : 0)}`,
  );
  return [
    cpu.join(', '),
    ...(threads.length > 1 ? [`of its CPU time: ${threads.join(', ')}`] : []),
    memory.join('; '),
  ];
}

function generator(result: Result): Fact {
  const { generator: own, figures } = result;
  const late = figures.due > 0 ? ` (${formatShare(figures.late / figures.due)})` : '';
  return fact(
    'Generator',
    [
      `${formatCount(figures.late)} sent late${late}, ${formatCount(figures.dropped)} dropped`,
      `${formatCounted(own.threads, 'thread', 'threads')}, busiest at work for ${formatShare(own.busy)} of the time, on a CPU for ${formatShare(own.busiestShare)}; its timers late by ${formatDuration(own.delayP99)} (p99), ${formatDuration(own.delayMax)} (max)`,
    ],
    !isValid(result),
  );
}

function errors({ figures }: Result): Fact {
  const sorted = Object.entries(figures.errors)
    .filter(([, count]) => count > 0)
    .sort(([, a], [, b]) => b - a);
  if (sorted.length === 0) return fact('Errors', ['none']);
  return fact('Errors', shortened(sorted.map(([name, count]) => `${formatCount(count)} × ${name}`)), true);
}

function shortened(texts: readonly string[]): string[] {
  const more = texts.length - LISTED;
  return more > 0 ? [...texts.slice(0, LISTED), `and ${formatCount(more)} more`] : [...texts];
}

function microseconds(value: number): string {
  return formatDuration(value / 1_000);
}
