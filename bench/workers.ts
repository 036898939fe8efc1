/**
 * Measures the cost of several workers: the CPU time per delivery of all server threads with 1, 2 and 4 workers, alternating, for
 * the same workload. On a machine with few cores, more workers cannot be faster, so this measures cost and not speed.
 *
 *   node bench/workers.ts [--rounds 5] [--seconds 6] [--workers 1,2,4]
 *
 * The first number of workers is the reference for the others.
 */

import { parseArgs } from 'node:util';
import { formatNumber } from '../src/load/result/format.ts';
import type { Result } from '../src/load/result/result.ts';
import { type Goal, judge } from './goal.ts';
import { catchInterruption } from './interruption.ts';
import { formatMachineLoad } from './machine-load.ts';
import { scenarioOf, WORKLOADS, type Workload } from './peers/workloads.ts';
import { formatSpread, spreadOf } from './spread.ts';
import { renderTable } from './table.ts';
import { withFolder } from './temporary-folder.ts';
import { describeThreads } from './thread-times.ts';
import { cpuPerDelivery, runTrial, type TrialResult } from './trial.ts';

const GOAL: Goal = { most: 1.3, text: '1.3 ×' };
const SELECTED = WORKLOADS.filter(({ name }) => name === 'rooms' || name === 'pairs');

interface Ran extends TrialResult {
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

for (const workload of SELECTED)
  for (let round = 1; round <= rounds; round += 1)
    for (const workers of counts) await measure(workload, workers, round);

console.log(`${rounds} rounds of ${seconds} s; medians (minimum – maximum); Node ${process.version}\n`);
for (const workload of SELECTED) printTable(workload);
console.log(formatMachineLoad(all));

async function measure(workload: Workload, workers: number, round: number): Promise<void> {
  const scenario = scenarioOf(workload, seconds);
  const trial = await withFolder((data) => runTrial({ scenario, data, workers, signal }));
  all.push({ ...trial, workload: workload.name, workers });
  const cpu = cpuPerDelivery(trial.result).toFixed(3);
  console.error(`${workload.name} ${round}/${rounds}, ${workers} workers: ${cpu} µs per delivery`);
}

function printTable({ name, title }: Workload): void {
  const resultsOf = (workers: number): Result[] =>
    all.filter((run) => run.workload === name && run.workers === workers).map(({ result }) => result);
  const base = spreadOf(resultsOf(counts[0] ?? 1).map(cpuPerDelivery)).median;
  const rows = counts.map((workers, index) => {
    const results = resultsOf(workers);
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
    'server CPU per delivery',
    '×',
    'goal',
    'deliveries per second',
    'by thread',
  ];
  console.log(`${renderTable(head, rows)}\n`);
}
