/** `docs/benchmarks.md`: what was measured, how, and what it does not say. */

import { formatBytes, formatCount, formatDuration, formatNumber } from '../../src/load/result/format.ts';
import { formatSpread, spreadOf } from '../spread.ts';
import { renderTable } from '../table.ts';
import type { Benchmark } from './benchmark.ts';
import { describePanels } from './chart.ts';
import { drawnOf, panelsOf } from './panels.ts';
import type { Sample } from './sample.ts';
import { significant, writeCpu, writeRate } from './units.ts';
import { TEXT_BYTES, type Workload } from './workloads.ts';

export function renderPage(benchmark: Benchmark): string {
  const { workloads, missing } = benchmark;
  return [
    '# Benchmarks',
    'The same work, done by Parley and by other servers, side by side on one machine. This page is written by `npm run bench:peers`, from what it has just measured; run it on your own machine, and it is written anew. Each run is in [samples.json](benchmarks/samples.json).',
    'Read first [what is not the same](#what-is-not-the-same): Parley has a message on disk before anybody is told of it, the others store nothing.',
    machine(benchmark),
    '## Method',
    ...method(benchmark),
    '## Figures',
    ...legend(benchmark),
    ...workloads.flatMap((workload) => figures(workload, benchmark)),
    ...faults(benchmark),
    '## What is not the same',
    ...differences(benchmark),
    ...(missing.length === 0
      ? []
      : ['## Not measured', `Not installed on this machine: ${missing.join(', ')}.`]),
  ]
    .join('\n\n')
    .concat('\n');
}

function machine({ environment, fileSystem, at, peers, samples }: Benchmark): string {
  const { cpu, cores, memoryBytes, system, node } = environment;
  const loads = samples.map(({ load }) => load);
  const rows = [
    ['Machine', `${cpu}, ${cores} cores, ${formatBytes(memoryBytes)}; ${system}`],
    ['Data of the servers', `on ${fileSystem}`],
    ['Programs', `${peers.map(({ peer, version }) => `${peer.name} ${version}`).join(', ')}; Node ${node}`],
    [
      'Load of the machine',
      `${formatNumber(Math.min(...loads))} to ${formatNumber(Math.max(...loads))} programs that wanted a core (the system’s average of the last minute, at the end of each run), server and generator among them`,
    ],
    ['When', at],
  ];
  return ['| | |', '|---|---|', ...rows.map((row) => `| ${row.join(' | ')} |`)].join('\n');
}

function method({ rounds, seconds, peers }: Benchmark): string[] {
  return [
    `Each server is started anew for each run, in a folder of its own. The users come in, join their rooms, and write for 3 seconds that do not count, then for ${seconds} seconds that do. The loop is closed: a conversation has a set number of messages on their way, and the next is sent when one has arrived. Texts are ${TEXT_BYTES} bytes. The runs alternate (${peers.map(({ peer }) => peer.name).join(', ')}, and again), ${rounds} rounds; the tables give medians, and the least and the most of the rounds behind them.`,
    'The generator is `parley load`, one thread, on the same machine and over loopback. It checks each delivery: who got it, and in which order. What it costs itself is not in the CPU figures of a server.',
    '**Server CPU for each delivery** is the time that all threads of the server were on a CPU, user and system, divided by the messages that recipients got. It holds what the kernel does on behalf of the server. Other work on the machine changes it least, so it is what to compare. **Deliveries a second** depend on what is left of the cores for server and generator: server, generator and whatever else runs share them. How long a message takes is told only where one is in flight: in the other loops it follows from the rate.',
    ['How each was set up:', ...peers.map(({ peer: { name, setup } }) => `- ${name}: ${setup}.`)].join('\n'),
  ];
}

function legend({ rounds, peers }: Benchmark): string[] {
  const remarks = new Map<string, string[]>();
  for (const { peer } of peers) {
    if (peer.remark !== undefined) remarks.set(peer.remark, [...(remarks.get(peer.remark) ?? []), peer.name]);
  }
  return [
    `Medians of ${rounds} rounds, (least – most); in the charts that is the thin line. × is relative to Parley: below 1 is less than Parley. ≥: in some round the generator’s thread needed more time for its part of a message than the busiest thread of the server, or had none left, so the server might do more. Where the ranges of two servers overlap, their medians say little about which is ahead.`,
    ...[...remarks].map(([remark, names]) => `${names.join(' and ')}: each ${remark}.`),
  ];
}

function figures(workload: Workload, benchmark: Benchmark): string[] {
  const { peers, samples } = benchmark;
  const isSingle = workload.inFlight === 1;
  const of = (name: string): Sample[] =>
    samples.filter((sample) => sample.workload === workload.name && sample.peer === name);
  const [first] = peers;
  const reference = first === undefined ? [] : of(first.peer.name);
  const head = ['', 'server CPU for each delivery', '×', 'deliveries a second', '×'];
  if (isSingle) head.push('p50', 'p99');
  head.push('memory');
  const rows = peers.map(({ peer: { name } }) => {
    const own = of(name);
    if (own.length === 0) return [name, 'no run was complete', ...head.slice(2).map(() => '–')];
    const bound = own.some(({ isBound }) => isBound) ? '≥ ' : '';
    const row = [
      name,
      formatSpread(spreadOf(own.map(({ cpuPerDelivery }) => cpuPerDelivery)), writeCpu),
      ratio(own, reference, ({ cpuPerDelivery }) => cpuPerDelivery),
      `${bound}${formatSpread(spreadOf(own.map(({ rate }) => rate)), writeRate)}`,
      ratio(own, reference, ({ rate }) => rate),
    ];
    if (isSingle)
      row.push(
        ...[spreadOf(own.map(({ p50 }) => p50)), spreadOf(own.map(({ p99 }) => p99))].map((spread) =>
          formatSpread(spread, formatDuration),
        ),
      );
    return [...row, formatBytes(spreadOf(own.map(({ bytes }) => bytes)).median)];
  });
  const drawn = describePanels(panelsOf(drawnOf(workload, benchmark)));
  return [`### ${workload.title}`, `![${drawn}](${chartOf(workload)})`, renderTable(head, rows)];
}

/** Where its chart is, beside the page. */
export function chartOf({ name }: Workload): string {
  return `benchmarks/${name}.svg`;
}

function ratio(own: readonly Sample[], reference: readonly Sample[], of: (sample: Sample) => number): string {
  const base = reference.length === 0 ? 0 : spreadOf(reference.map(of)).median;
  return base === 0 ? '–' : significant(spreadOf(own.map(of)).median / base, 2);
}

/** What went wrong in runs whose figures are above. */
function faults({ samples, rounds, peers, workloads }: Benchmark): string[] {
  const bad = samples.filter(({ faults, errors }) => faults + errors > 0);
  const incomplete = rounds * peers.length * workloads.length - samples.length;
  const lines = bad.map(
    ({ peer, workload, faults, errors }) =>
      `- ${peer}, ${workload}: ${formatCount(faults)} deliveries lost, repeated or out of order; ${formatCount(errors)} errors.`,
  );
  if (incomplete > 0) lines.push(`- Runs that were not complete, and are not in the figures: ${incomplete}.`);
  if (lines.length === 0)
    return ['In all of these runs every delivery came, once, in order, and only to whom it was meant for.'];
  return [['What went wrong:', ...lines].join('\n')];
}

function differences({ peers: [own, ...others] }: Benchmark): string[] {
  const list = (title: string, points: readonly string[]): string[] =>
    points.length === 0 ? [] : [[title, '', ...points.map((point) => `- ${point}`)].join('\n')];
  return [
    ...(own === undefined ? [] : list(`**${own.peer.name}**, in all of these runs:`, own.peer.offers)),
    ...others.flatMap(({ peer: { name, lacks, offers } }) => [
      ...list(`**${name}** does less:`, lacks),
      ...list(`${name} does what Parley does not:`, offers),
    ]),
  ];
}
