/**
 * What it costs a server to have much stored: CPU time for each delivery with many accounts and messages beside an empty
 * folder, the same work, by turns.
 *
 *   node bench/stored.ts [--rounds 5] [--seconds 6] [--data DIR] [--accounts 1000000] [--messages 10000000]
 *
 * The large folder is made if it is not there, which takes some minutes and gigabytes, and is kept: remove it by hand. Each
 * run adds to it what it says. Before each run the search index is completed, so that no run has to do it for the one
 * before; during the runs it waits in both folders while more than 2,000 messages a second are said (what the archive's
 * thread used tells whether it did). Those who take part are members of conversations with much in them. `npm run bench:startup` takes the same folder.
 */

import { parseArgs } from 'node:util';
import { formatCount, formatNumber } from '../src/load/result/format.ts';
import type { Result } from '../src/load/result/result.ts';
import { prepareAccounts } from '../src/load/run/prepare.ts';
import { DEFAULT_PASSWORD } from '../src/load/scenario/account.ts';
import { type Goal, judge } from './goal.ts';
import { catchInterruption } from './interruption.ts';
import { withLock } from './locked-folder.ts';
import { scenarioOf, WORKLOADS, type Workload } from './peers/workloads.ts';
import { indexBacklog } from './search-backlog.ts';
import { formatSpread, spreadOf } from './spread.ts';
import { countStored, makeStoredFolder, STORED_FOLDER } from './stored-folder.ts';
import { formatSurroundings } from './surroundings.ts';
import { renderTable } from './table.ts';
import { withFolder } from './temporary-folder.ts';
import { describeThreads } from './thread-times.ts';
import { cpuPerDelivery, runTrial, type Tried } from './trial.ts';

const GOAL: Goal = { most: 1.1, text: '1.1 ×' };
const CHOSEN = WORKLOADS.filter(({ name }) => name === 'room' || name === 'pairs');

interface Ran extends Tried {
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
for (const workload of CHOSEN) {
  for (let round = 1; round <= rounds; round += 1) {
    for (const isStored of [false, true]) {
      const tried = isStored ? await tryStored(workload) : await tryEmpty(workload);
      all.push({ ...tried, workload: workload.name, isStored });
      const cpu = cpuPerDelivery(tried.result).toFixed(3);
      console.error(`${workload.name} ${round}/${rounds}, ${nameOf(isStored)}: ${cpu} µs a delivery`);
    }
  }
}
console.log(
  `${rounds} rounds of ${seconds} s; medians (least – most); Node ${process.version}. Stored: ${formatCount(stored.accounts)} accounts and ${formatCount(stored.messages)} entries, before the first run.\n`,
);
for (const workload of CHOSEN) tell(workload);
console.log(formatSurroundings(all));

async function tryStored(workload: Workload): Promise<Tried> {
  await withLock(data, indexBacklog);
  return tryIn(data, workload);
}

/** With no accounts but those that take part. */
function tryEmpty(workload: Workload): Promise<Tried> {
  return withFolder(async (folder) => {
    const prepared = await prepareAccounts({ data: folder, users: workload.users, cost: 'cheap' });
    if (prepared.type === 'refused') throw new Error(prepared.text);
    return tryIn(folder, workload);
  });
}

function tryIn(folder: string, workload: Workload): Promise<Tried> {
  const scenario = scenarioOf(workload, seconds);
  return runTrial({ scenario, data: folder, password: DEFAULT_PASSWORD, signal });
}

function tell({ name, title }: Workload): void {
  const of = (isStored: boolean): Result[] =>
    all.filter((run) => run.workload === name && run.isStored === isStored).map(({ result }) => result);
  const base = spreadOf(of(false).map(cpuPerDelivery)).median;
  const rows = [false, true].map((isStored) => {
    const results = of(isStored);
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
  const head = [title, 'server CPU for each delivery', '×', 'goal', 'deliveries a second', 'by thread'];
  console.log(`${renderTable(head, rows)}\n`);
}

function nameOf(isStored: boolean): string {
  return isStored ? 'much stored' : 'empty folder';
}
