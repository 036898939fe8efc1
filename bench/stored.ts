/**
 * Measures the cost of stored data: CPU time per delivery with many accounts and messages compared with an empty folder,
 * alternating, for the same workload.
 *
 *   node bench/stored.ts [--rounds 5] [--seconds 6] [--data DIR] [--accounts 1000000] [--messages 10000000]
 *
 * The large folder is created if it does not exist, which takes some minutes and gigabytes. It is kept, so remove it by hand.
 * Each run adds its messages. Before each run the search index is brought up to date, so that no run pays for the previous one.
 * During the runs indexing pauses in both folders, because more than 2,000 messages per second arrive; the CPU time of the
 * archive's thread shows whether it did. The users are members of conversations with many messages. `npm run bench:startup` uses
 * the same folder.
 */

import { parseArgs } from 'node:util';
import { formatCount, formatNumber } from '../src/load/result/format.ts';
import type { Result } from '../src/load/result/result.ts';
import { prepareAccounts } from '../src/load/run/prepare.ts';
import { DEFAULT_PASSWORD } from '../src/load/scenario/account.ts';
import { type Goal, judge } from './goal.ts';
import { catchInterruption } from './interruption.ts';
import { withLock } from './locked-folder.ts';
import { formatMachineLoad } from './machine-load.ts';
import { scenarioOf, WORKLOADS, type Workload } from './peers/workloads.ts';
import { indexBacklog } from './search-backlog.ts';
import { formatSpread, spreadOf } from './spread.ts';
import { countStored, makeStoredFolder, STORED_FOLDER } from './stored-folder.ts';
import { renderTable } from './table.ts';
import { withFolder } from './temporary-folder.ts';
import { describeThreads } from './thread-times.ts';
import { cpuPerDelivery, runTrial, type TrialResult } from './trial.ts';

const GOAL: Goal = { most: 1.1, text: '1.1 ×' };
const SELECTED = WORKLOADS.filter(({ name }) => name === 'room' || name === 'pairs');

interface Ran extends TrialResult {
  readonly workload: string;
  readonly isStored: boolean;
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '6' },
    data: { type: 'string', default: STORED_FOLDER },
    accounts: { type: 'string', default: '1000000' },
    messages: { type: 'string', default: '10000000' },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const { data } = values;
const signal = catchInterruption();
const all: Ran[] = [];

await makeStoredFolder({ data, accounts: Number(values.accounts), messages: Number(values.messages) });
const stored = await withLock(data, countStored);
for (const workload of SELECTED) {
  for (let round = 1; round <= rounds; round += 1) {
    for (const isStored of [false, true]) {
      const trial = isStored ? await runStored(workload) : await runEmpty(workload);
      all.push({ ...trial, workload: workload.name, isStored });
      const cpu = cpuPerDelivery(trial.result).toFixed(3);
      console.error(`${workload.name} ${round}/${rounds}, ${nameOf(isStored)}: ${cpu} µs per delivery`);
    }
  }
}
console.log(
  `${rounds} rounds of ${seconds} s; medians (minimum – maximum); Node ${process.version}. Stored: ${formatCount(stored.accounts)} accounts and ${formatCount(stored.messages)} entries before the first run.\n`,
);
for (const workload of SELECTED) printTable(workload);
console.log(formatMachineLoad(all));

async function runStored(workload: Workload): Promise<TrialResult> {
  await withLock(data, indexBacklog);
  return runIn(data, workload);
}

/** The folder contains only the accounts of the run. */
function runEmpty(workload: Workload): Promise<TrialResult> {
  return withFolder(async (folder) => {
    const prepared = await prepareAccounts({ data: folder, users: workload.users, cost: 'cheap' });
    if (prepared.type === 'refused') throw new Error(prepared.text);
    return runIn(folder, workload);
  });
}

function runIn(folder: string, workload: Workload): Promise<TrialResult> {
  const scenario = scenarioOf(workload, seconds);
  return runTrial({ scenario, data: folder, password: DEFAULT_PASSWORD, signal });
}

function printTable({ name, title }: Workload): void {
  const resultsOf = (isStored: boolean): Result[] =>
    all.filter((run) => run.workload === name && run.isStored === isStored).map(({ result }) => result);
  const base = spreadOf(resultsOf(false).map(cpuPerDelivery)).median;
  const rows = [false, true].map((isStored) => {
    const results = resultsOf(isStored);
    const cpu = spreadOf(results.map(cpuPerDelivery));
    return [
      nameOf(isStored),
      formatSpread(cpu, (value) => `${value.toFixed(3)} µs`),
      `${(cpu.median / base).toFixed(2)} ×`,
      isStored ? judge(cpu.median / base, GOAL) : '',
      formatSpread(spreadOf(results.map(({ figures }) => figures.deliveredRate)), formatNumber),
      describeThreads(results),
    ];
  });
  const head = [title, 'server CPU per delivery', '×', 'goal', 'deliveries per second', 'by thread'];
  console.log(`${renderTable(head, rows)}\n`);
}

function nameOf(isStored: boolean): string {
  return isStored ? 'much data stored' : 'empty folder';
}
