/**
 * Compares two versions of the server under the same work, in alternating rounds: the CPU time per delivery of each, and their
 * ratio in each round. Other load on the machine affects both alike.
 *
 *   node bench/compare.ts --base ../other-checkout/bin/parley.js [--program bin/parley.js] [--rounds 5] [--seconds 5] [--warm-up 10]
 *                         [--work room,pairs] [--base-args '…'] [--program-args '…'] [--base-flags=--…] [--program-flags=--…]
 *
 * The warm-up is long because code is compiled late on a busy machine. Both versions run with one shard, like the other
 * benchmarks, unless the arguments say otherwise.
 */

import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { readAddress } from '../src/common/address.ts';
import type { Result } from '../src/load/result/result.ts';
import { runProcess } from '../test/support/process.ts';
import { PARLEY } from '../test/support/server.ts';
import { formatTimes } from './figures.ts';
import { catchInterruption } from './interruption.ts';
import { scenarioOf, WORKLOADS, type Workload } from './peers/workloads.ts';
import { runScenario } from './run-scenario.ts';
import { formatSpread, spreadOf } from './spread.ts';
import { renderTable } from './table.ts';
import { withFolder } from './temporary-folder.ts';
import { describeThreads } from './thread-times.ts';
import { checkResult, cpuPerDelivery } from './trial.ts';

const PAIRS = WORKLOADS.find(({ name }) => name === 'pairs');
/** The workloads of the other benchmarks, and one that only this comparison has. */
const ALL: readonly Workload[] = [
  ...WORKLOADS,
  ...(PAIRS === undefined
    ? []
    : [{ ...PAIRS, name: 'pairs-one', title: '100 pairs, 1 message in flight in each', inFlight: 1 }]),
];

const { values } = parseArgs({
  options: {
    base: { type: 'string' },
    program: { type: 'string', default: PARLEY },
    'base-args': { type: 'string', default: '' },
    'base-flags': { type: 'string', default: '' },
    'program-flags': { type: 'string', default: '' },
    'program-args': { type: 'string', default: '' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    'warm-up': { type: 'string', default: '10' },
    work: { type: 'string', default: 'room,pairs,one,pairs-one' },
  },
});
const { base } = values;
if (base === undefined) throw new Error('--base names the bin/parley.js of the version to compare with');
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const warmUpSeconds = Number(values['warm-up']);
const names = values.work.split(',');
const signal = catchInterruption();

interface Server {
  readonly program: string;
  /** Of Node and V8. */
  readonly flags: readonly string[];
  readonly args: readonly string[];
}

const BASE: Server = { program: base, flags: words(values['base-flags']), args: words(values['base-args']) };
const PROGRAM: Server = {
  program: values.program,
  flags: words(values['program-flags']),
  args: words(values['program-args']),
};

const rows: string[][] = [];
for (const workload of ALL.filter(({ name }) => names.includes(name))) rows.push(await compare(workload));
const head = ['work', 'base', 'program', 'program ÷ base', 'base by thread', 'program by thread'];
console.log(`${rounds} rounds of ${seconds} s; medians (least – most); Node ${process.version}\n`);
console.log(renderTable(head, rows));

async function compare(workload: Workload): Promise<string[]> {
  const before: Result[] = [];
  const after: Result[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    // Whatever grows from one run to the next is shared out.
    const isBaseFirst = round % 2 === 1;
    if (isBaseFirst) before.push(await measure(BASE, workload));
    after.push(await measure(PROGRAM, workload));
    if (!isBaseFirst) before.push(await measure(BASE, workload));
    const [old, now] = [before.at(-1), after.at(-1)];
    if (old === undefined || now === undefined) continue;
    const [was, is] = [cpuPerDelivery(old), cpuPerDelivery(now)];
    console.error(
      `${workload.name} ${round}/${rounds}: ${was.toFixed(3)} → ${is.toFixed(3)} µs, ${formatTimes(is / was)}`,
    );
  }
  const ratios = after.map((result, index) => {
    const old = before[index];
    return old === undefined ? Number.NaN : cpuPerDelivery(result) / cpuPerDelivery(old);
  });
  const cpu = (results: readonly Result[]): string =>
    formatSpread(spreadOf(results.map(cpuPerDelivery)), (value) => `${value.toFixed(2)} µs`);
  const times = formatSpread(spreadOf(ratios), formatTimes);
  return [workload.title, cpu(before), cpu(after), times, describeThreads(before), describeThreads(after)];
}

function measure(server: Server, workload: Workload): Promise<Result> {
  return withFolder(async (data) => {
    signal.throwIfAborted();
    const running = runProcess(
      process.execPath,
      [...server.flags, server.program, ...serve(data), ...server.args],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    try {
      const { host, port } = await addressOf(running);
      const target = { name: 'parley', host, port, wire: 'parley', pid: running.child.pid } as const;
      const ran = await runScenario(
        scenarioOf(workload, seconds, warmUpSeconds),
        { ...target, password: undefined },
        signal,
      );
      signal.throwIfAborted();
      if (ran.type === 'failed') throw new Error(ran.text);
      checkResult(ran.result);
      return ran.result;
    } finally {
      running.child.kill('SIGTERM');
      await running.exit();
    }
  });
}

function serve(data: string): string[] {
  const usual = ['--guests', '--commands-per-second', '0', '--log-level', 'warn', '--workers', '1'];
  return ['serve', '--host', '127.0.0.1', '--port', '0', '--data', data, ...usual];
}

async function addressOf({ child, stdout, stderr }: ReturnType<typeof runProcess>): Promise<{
  readonly host: string;
  readonly port: number;
}> {
  for (;;) {
    const typed = /^listening on (\S+:\d+)$/m.exec(stdout())?.[1];
    const read = typed === undefined ? undefined : readAddress(typed);
    if (read?.type === 'address') return read.address;
    if (child.exitCode !== null || child.stdout === null) throw new Error(`no server\n${stderr()}`);
    await Promise.race([once(child.stdout, 'data'), once(child, 'close')]);
  }
}

function words(line: string): string[] {
  return line.split(' ').filter((word) => word !== '');
}
