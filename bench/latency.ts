/**
 * Measures the latency of messages that are on disk before anybody sees them: of a pair with one message in flight, at half of
 * the server's highest rate, and during checkpoints of the write-ahead log. The first and the last alternate with the data in
 * memory, because delays that occur in both columns are not caused by the disk. The generator runs on the same machine, and its
 * lag is part of the figures.
 *
 *   node bench/latency.ts [--rounds 5] [--seconds 10] [--stall-seconds 20] [--rate 3000] [--memory /dev/shm] [--wait 0]
 *
 * `--rate`: messages per second while looking for stalls. `--wait`: the most minutes that each run waits until other programs are
 * idle, because a thread that waits for a core is late through no fault of the server.
 */

import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { formatDuration, formatNumber } from '../src/load/result/format.ts';
import type { Latency, LatencyKind, Result } from '../src/load/result/result.ts';
import type { Scenario } from '../src/load/scenario/scenario.ts';
import { CheckpointWatch } from './checkpoint-watch.ts';
import { type Goal, judge } from './goal.ts';
import { catchInterruption } from './interruption.ts';
import { formatMachineLoad, waitForQuiet } from './machine-load.ts';
import { fileSystemOf } from './peers/file-system.ts';
import { scenarioOf, WORKLOADS, type Workload } from './peers/workloads.ts';
import { formatSpread, spreadOf } from './spread.ts';
import { renderTable } from './table.ts';
import { withFolder } from './temporary-folder.ts';
import { runTrial, type TrialResult } from './trial.ts';

/** The most that other programs may use, in cores. */
const QUIET = 0.15;
/** The fraction of the highest rate. */
const SHARE = 0.5;

const PAIR: Workload = {
  name: 'pair',
  title: '1 pair, 1 message in flight',
  users: 2,
  group: { kind: 'pairs' },
  inFlight: 1,
};
const PAIRS: Workload = {
  name: 'pairs',
  title: '100 pairs',
  users: 200,
  group: { kind: 'pairs' },
  inFlight: 32,
};
const SATURATING = WORKLOADS.filter(({ name }) => name === 'room' || name === 'pairs');

interface Place {
  /** The type of its file system. */
  readonly name: string;
  readonly folder: string;
}

/** A run and its kind. */
interface Ran extends TrialResult {
  readonly what: string;
  readonly checkpoints: number;
}

interface Figure {
  readonly name: string;
  readonly read: (result: Result) => number;
  readonly goal?: Goal;
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '10' },
    'stall-seconds': { type: 'string', default: '20' },
    rate: { type: 'string', default: '3000' },
    memory: { type: 'string', default: '/dev/shm' },
    wait: { type: 'string', default: '0' },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const stallSeconds = Number(values['stall-seconds']);
const rate = Number(values.rate);
const signal = catchInterruption();
const places = [tmpdir(), values.memory]
  .filter((folder) => existsSync(folder))
  .map((folder) => ({ name: fileSystemOf(folder), folder }));
const [disk] = places;
const all: Ran[] = [];

for (let round = 1; round <= rounds; round += 1) {
  console.error(`round ${round} of ${rounds}`);
  for (const place of places) await measure(`pair ${place.name}`, scenarioOf(PAIR, seconds), place);
  for (const workload of SATURATING) {
    const closed = await measure(`closed ${workload.name}`, scenarioOf(workload, seconds), disk);
    const half = openScenario(workload, closed.figures.sentRate * SHARE, seconds);
    await measure(`half ${workload.name}`, half, disk);
  }
  for (const place of places)
    await measure(`stall ${place.name}`, openScenario(PAIRS, rate, stallSeconds), place);
}

console.log(
  `${rounds} rounds, ${seconds} s each and ${stallSeconds} s for stalls; medians (minimum – maximum); Node ${process.version}\n`,
);
printPair();
printHalfRate();
printStalls();
console.log(formatMachineLoad(all));

async function measure(what: string, scenario: Scenario, place: Place | undefined): Promise<Result> {
  await waitForQuiet(QUIET, Number(values.wait), signal);
  return withFolder(async (data) => {
    const watch = new CheckpointWatch(data);
    try {
      const trial = await runTrial({ scenario, data, signal });
      all.push({ ...trial, what, checkpoints: watch.stop() });
      const { result } = trial;
      const { p50, p99, p999, max } = latencyOf(result, 'deliver');
      const summary = [p50, p99, p999, max].map(formatDuration).join(', ');
      console.error(
        `${what}: ${formatNumber(result.figures.sentRate)} messages per second; deliver ${summary}`,
      );
      return result;
    } finally {
      watch.stop();
    }
  }, place?.folder);
}

/** The same workload as an open loop with `rate` messages per second in total. */
function openScenario(workload: Workload, rate: number, seconds: number): Scenario {
  const perUserPerMinute = (rate * 60) / workload.users;
  return { ...scenarioOf(workload, seconds), talk: { loop: 'open', perUserPerMinute } };
}

function printPair(): void {
  const figures: readonly Figure[] = [
    { name: 'p50', read: (result) => latencyOf(result, 'deliver').p50, goal: { most: 1, text: '1 ms' } },
    { name: 'p99', read: (result) => latencyOf(result, 'deliver').p99, goal: { most: 5, text: '5 ms' } },
    { name: 'p99.9', read: (result) => latencyOf(result, 'deliver').p999 },
    { name: 'longest', read: (result) => latencyOf(result, 'deliver').max },
  ];
  printPlaces('pair', `${PAIR.title}, until it is delivered`, figures);
}

function printStalls(): void {
  const figures: readonly Figure[] = [
    { name: 'acknowledged, p50', read: (result) => latencyOf(result, 'acknowledge').p50 },
    { name: 'acknowledged, p99', read: (result) => latencyOf(result, 'acknowledge').p99 },
    {
      name: 'acknowledged, p99.9',
      read: (result) => latencyOf(result, 'acknowledge').p999,
      goal: { most: 20, text: '20 ms' },
    },
    { name: 'acknowledged, longest', read: (result) => latencyOf(result, 'acknowledge').max },
    { name: 'delivered, p99.9', read: (result) => latencyOf(result, 'deliver').p999 },
    { name: 'delivered, longest', read: (result) => latencyOf(result, 'deliver').max },
    { name: 'lag of the generator’s timers: p99', read: ({ generator }) => generator.delayP99 },
    { name: 'lag of the generator’s timers: longest', read: ({ generator }) => generator.delayMax },
  ];
  printPlaces('stall', `${PAIRS.title}, ${formatNumber(rate)} messages per second`, figures);
  const checkpoints = spreadOf(runsOf(`stall ${disk?.name}`).map((run) => run.checkpoints));
  console.log(`Checkpoints per run: ${formatSpread(checkpoints, formatNumber)}.\n`);
}

/** Prints a table with one column per place. */
function printPlaces(what: string, title: string, figures: readonly Figure[]): void {
  const rows = figures.map(({ name, read, goal }) => {
    const spreads = places.map((place) =>
      spreadOf(runsOf(`${what} ${place.name}`).map((r) => read(r.result))),
    );
    const verdict = goal === undefined ? '' : judge(spreads[0]?.median ?? Number.NaN, goal);
    return [name, ...spreads.map((spread) => formatSpread(spread, formatDuration)), verdict];
  });
  const head = [title, ...places.map(({ name }) => `on ${name}`), 'goal'];
  console.log(`${renderTable(head, rows)}\n`);
}

function printHalfRate(): void {
  const goal: Goal = { most: 20, text: '20 ms' };
  const rows = SATURATING.map(({ name, title }) => {
    const closed = runsOf(`closed ${name}`).map(({ result }) => result);
    const half = runsOf(`half ${name}`).map(({ result }) => result);
    const p99 = spreadOf(half.map((result) => latencyOf(result, 'deliver').p99));
    const invalid = half.filter((result) => result.invalid.length > 0).length;
    return [
      title,
      formatSpread(spreadOf(closed.map(({ figures }) => figures.sentRate)), formatNumber),
      formatSpread(spreadOf(half.map(({ figures }) => figures.sentRate)), formatNumber),
      formatSpread(spreadOf(half.map((result) => latencyOf(result, 'deliver').p50)), formatDuration),
      formatSpread(p99, formatDuration),
      judge(p99.median, goal),
      formatSpread(spreadOf(half.map(({ generator }) => generator.delayP99)), formatDuration),
      `${invalid} of ${half.length}`,
    ];
  });
  const head = [
    'at half of the highest rate',
    'messages per second, closed loop',
    'open loop',
    'p50',
    'p99',
    'goal',
    'lag of the generator’s timers, p99',
    'runs not valid',
  ];
  console.log(`${renderTable(head, rows)}\n`);
}

function runsOf(what: string): Ran[] {
  return all.filter((run) => run.what === what);
}

/** Throws if no such latency was measured. */
function latencyOf(result: Result, kind: LatencyKind): Latency {
  const latency = result.latency[kind];
  if (latency === null) throw new Error(`no ${kind} latency was measured`);
  return latency;
}
