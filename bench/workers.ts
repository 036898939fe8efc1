/**
 * What a server with several workers pays for them: CPU time of all its threads for each delivery, with 1, 2 and 4 of them,
 * the same work, by turns. On a machine with few cores more workers cannot be faster: here it is told what they cost.
 *
 *   node bench/workers.ts [--rounds 5] [--seconds 6] [--workers 1,2,4]
 *
 * The first number of workers is what the others are compared to.
 */

import { parseArgs } from 'node:util';
import { formatNumber } from '../src/load/result/format.ts';
import type { Result } from '../src/load/result/result.ts';
import { type Goal, judge } from './goal.ts';
import { catchInterruption } from './interruption.ts';
import { scenarioOf, WORKLOADS, type Workload } from './peers/workloads.ts';
import { formatSpread, spreadOf } from './spread.ts';
import { formatSurroundings } from './surroundings.ts';
import { renderTable } from './table.ts';
import { withFolder } from './temporary-folder.ts';
import { describeThreads } from './thread-times.ts';
import { cpuPerDelivery, runTrial, type Tried } from './trial.ts';

const GOAL: Goal = { most: 1.3, text: '1.3 ×' };
const CHOSEN = WORKLOADS.filter(({ name }) => name === 'rooms' || name === 'pairs');

interface Ran extends Tried {
  readonly workload: string;
  readonly workers: number;
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '6' },
    workers: { type: 'string', default: '1,2,4' },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const counts = values.workers.split(',').map(Number);
const signal = catchInterruption();
const all: Ran[] = [];

for (const workload of CHOSEN)
  for (let round = 1; round <= rounds; round += 1)
    for (const workers of counts) await measure(workload, workers, round);

console.log(`${rounds} rounds of ${seconds} s; medians (least – most); Node ${process.version}\n`);
for (const workload of CHOSEN) tell(workload);
console.log(formatSurroundings(all));

async function measure(workload: Workload, workers: number, round: number): Promise<void> {
  const scenario = scenarioOf(workload, seconds);
  const tried = await withFolder((data) => runTrial({ scenario, data, workers, signal }));
  all.push({ ...tried, workload: workload.name, workers });
  const cpu = cpuPerDelivery(tried.result).toFixed(3);
  console.error(`${workload.name} ${round}/${rounds}, ${workers} workers: ${cpu} µs a delivery`);
}

function tell({ name, title }: Workload): void {
  const of = (workers: number): Result[] =>
    all.filter((run) => run.workload === name && run.workers === workers).map(({ result }) => result);
  const base = spreadOf(of(counts[0] ?? 1).map(cpuPerDelivery)).median;
  const rows = counts.map((workers, index) => {
    const results = of(workers);
    const cpu = spreadOf(results.map(cpuPerDelivery));
    const times = cpu.median / base;
    return [
      String(workers),
      formatSpread(cpu, (value) => `${value.toFixed(3)} µs`),
      `${times.toFixed(2)} ×`,
      index === 0 ? '' : judge(times, GOAL),
      formatSpread(spreadOf(results.map(({ figures }) => figures.deliveredRate)), formatNumber),
      describeThreads(results),
    ];
  });
  const head = [
    `workers; ${title}`,
    'server CPU for each delivery',
    '×',
    'goal',
    'deliveries a second',
    'by thread',
  ];
  console.log(`${renderTable(head, rows)}\n`);
}
