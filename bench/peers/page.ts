/** Renders `docs/benchmarks.md`: the method, the figures, and the differences that the figures do not show. */

import { formatBytes, formatCount, formatDuration, formatNumber } from '../../src/load/result/format.ts';
import { formatSpread, spreadOf } from '../spread.ts';
import { renderTable } from '../table.ts';
import type { Benchmark } from './benchmark.ts';
import { describePanels } from './chart.ts';
import { panelsOf, rowsOf } from './panels.ts';
import type { Sample } from './sample.ts';
import { formatCpu, formatRate, formatSignificant } from './units.ts';
import { TEXT_BYTES, type Workload } from './workloads.ts';

export function renderPage(benchmark: Benchmark): string {
  const { workloads, missing } = benchmark;
  return [
    '# Benchmarks',
    paragraph(
      'This page compares Parley with other servers that do the same work on the same machine.',
      '`npm run bench:peers` generates it from its measurements; run the command to get the figures for your machine.',
      'The results of all runs are in [samples.json](benchmarks/samples.json).',
    ),
    paragraph(
      'Read [how the servers differ](#how-the-servers-differ) first.',
      'Parley syncs every message to disk before acknowledging or delivering it; the others store nothing.',
    ),
    machine(benchmark),
    '## Method',
    ...method(benchmark),
    '## Figures',
    ...legend(benchmark),
    ...workloads.flatMap((workload) => figures(workload, benchmark)),
    ...faults(benchmark),
    '## How the servers differ',
    ...differences(benchmark),
    ...(missing.length === 0
      ? []
      : ['## Not measured', `Not installed on this machine: ${missing.join(', ')}.`]),
  ]
    .join('\n\n')
    .concat('\n');
}

/** One sentence per line, so that a change of the page shows which sentence changed. */
function paragraph(...sentences: readonly string[]): string {
  return sentences.join('\n');
}

function machine({ environment, fileSystem, at, peers, samples }: Benchmark): string {
  const { cpu, cores, memoryBytes, system, node } = environment;
  const loads = samples.map(({ load }) => load);
  const rows = [
    ['Machine', `${cpu}, ${cores} cores, ${formatBytes(memoryBytes)}; ${system}`],
    ['Data folders', `on ${fileSystem}`],
    ['Programs', `${peers.map(({ peer, version }) => `${peer.name} ${version}`).join(', ')}; Node ${node}`],
    [
      'System load',
      `${formatNumber(Math.min(...loads))} to ${formatNumber(Math.max(...loads))} (load average of the last minute, at the end of each run; includes server and generator)`,
    ],
    ['Date', at],
  ];
  return ['| | |', '|---|---|', ...rows.map((row) => `| ${row.join(' | ')} |`)].join('\n');
}

function method({ rounds, seconds, peers }: Benchmark): string[] {
  return [
    paragraph(
      'Each run starts a new server in a folder of its own.',
      `The users connect, join their rooms, and send messages for 3 seconds that are not measured, then for ${seconds} seconds that are.`,
      'The loop is closed: each conversation has a fixed number of messages in flight, and sends the next one when one arrives.',
      `Messages are ${TEXT_BYTES} bytes long.`,
      `The servers alternate (${peers.map(({ peer }) => peer.name).join(', ')}, and again) for ${rounds} rounds.`,
      'The tables show the median of all rounds, with the minimum and the maximum.',
    ),
    paragraph(
      'The generator is `parley load` with one thread, on the same machine, over loopback.',
      'It checks who received each message and in which order.',
      'Its own CPU time is not part of a server’s figures.',
    ),
    paragraph(
      '**Server CPU per delivery** is the CPU time of all server threads, user and system, divided by the number of messages that recipients received.',
      'It includes what the kernel does on behalf of the server.',
      'Other programs on the machine affect this figure the least, so it is the one to compare.',
    ),
    paragraph(
      '**Deliveries per second** depend on how much CPU time the server, the generator and other programs get.',
      'Latency is shown only for one message in flight, because in the other workloads it follows from the rate.',
    ),
    [
      'The servers were set up as follows:',
      '',
      ...peers.map(({ peer: { name, setup } }) => `- ${name}: ${setup}.`),
    ].join('\n'),
  ];
}

function legend({ rounds, peers }: Benchmark): string[] {
  const remarks = new Map<readonly string[], string[]>();
  for (const { peer } of peers) {
    if (peer.remark !== undefined) remarks.set(peer.remark, [...(remarks.get(peer.remark) ?? []), peer.name]);
  }
  return [
    paragraph(
      `Figures are medians of ${rounds} rounds, followed by (minimum – maximum); the thin line in the charts shows the same range.`,
      '× is the ratio to Parley: below 1 means less than Parley.',
      '≥ means that the generator may have limited the rate, so the server might do more: in some round the generator’s thread needed more time per message than the busiest server thread, or was saturated.',
      'Where the ranges of two servers overlap, their medians hardly say which one is ahead.',
    ),
    ...[...remarks].map(([remark, names]) => paragraph(`A note on ${names.join(' and ')}:`, ...remark)),
  ];
}

function figures(workload: Workload, benchmark: Benchmark): string[] {
  const { peers, samples } = benchmark;
  const isSingle = workload.inFlight === 1;
  const samplesOf = (name: string): Sample[] =>
    samples.filter((sample) => sample.workload === workload.name && sample.peer === name);
  const [first] = peers;
  const reference = first === undefined ? [] : samplesOf(first.peer.name);
  const head = ['', 'server CPU per delivery', '×', 'deliveries per second', '×'];
  if (isSingle) head.push('p50', 'p99');
  head.push('memory');
  const rows = peers.map(({ peer: { name } }) => {
    const own = samplesOf(name);
    if (own.length === 0) return [name, 'no complete run', ...head.slice(2).map(() => '–')];
    const bound = own.some(({ isBound }) => isBound) ? '≥ ' : '';
    const row = [
      name,
      formatSpread(spreadOf(own.map(({ cpuPerDelivery }) => cpuPerDelivery)), formatCpu),
      ratio(own, reference, ({ cpuPerDelivery }) => cpuPerDelivery),
      `${bound}${formatSpread(spreadOf(own.map(({ rate }) => rate)), formatRate)}`,
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
  const description = describePanels(panelsOf(rowsOf(workload, benchmark)));
  return [`### ${workload.title}`, `![${description}](${chartPath(workload)})`, renderTable(head, rows)];
}

/** The path of the workload's chart, relative to the page. */
export function chartPath({ name }: Workload): string {
  return `benchmarks/${name}.svg`;
}

function ratio(own: readonly Sample[], reference: readonly Sample[], of: (sample: Sample) => number): string {
  const base = reference.length === 0 ? 0 : spreadOf(reference.map(of)).median;
  return base === 0 ? '–' : formatSignificant(spreadOf(own.map(of)).median / base, 2);
}

/** The faults in the runs whose figures are shown, and the number of runs that are not shown. */
function faults({ samples, rounds, peers, workloads }: Benchmark): string[] {
  const bad = samples.filter(({ faults, errors }) => faults + errors > 0);
  const incomplete = rounds * peers.length * workloads.length - samples.length;
  const lines = bad.map(
    ({ peer, workload, faults, errors }) =>
      `- ${peer}, ${workload}: ${formatCount(faults)} messages lost, repeated, out of order or delivered to somebody else; ${formatCount(errors)} errors.`,
  );
  if (incomplete > 0) lines.push(`- Incomplete runs, which are not in the figures: ${incomplete}.`);
  if (lines.length === 0)
    return [
      'In all of these runs every message reached all of its recipients, exactly once and in order, and nobody else.',
    ];
  return [['These runs had faults:', '', ...lines].join('\n')];
}

function differences({ peers: [own, ...others] }: Benchmark): string[] {
  const list = (title: string, points: readonly string[]): string[] =>
    points.length === 0 ? [] : [[title, '', ...points.map((point) => `- ${point}`)].join('\n')];
  return [
    ...(own === undefined ? [] : list(`In all of these runs, **${own.peer.name}**:`, own.peer.offers)),
    ...others.flatMap(({ peer: { name, lacks, offers } }) => [
      ...list(`Compared with Parley, **${name}**:`, lacks),
      ...list(`Unlike Parley, ${name}:`, offers),
    ]),
  ];
}
