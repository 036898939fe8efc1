/**
 * Measures the effect of clients that stop reading on the others and on the server's memory. All are in one room with so much
 * traffic that the data for a client that does not read fills its socket buffers and then its outbox. Rounds with and without
 * such clients alternate, each on a new server. Clients that are disconnected because their outbox is full reconnect and read
 * again; that is part of the measurement.
 *
 *   node bench/slow.ts [--rounds 3] [--seconds 30] [--clients 500] [--share 0.1] [--text 8000] [--rate 50] [--workers N]
 *
 * `--rate`: messages per second in the room. `--text`: bytes per message.
 */

import { parseArgs } from 'node:util';
import { formatBytes, formatCount, formatDuration, formatShare } from '../src/load/result/format.ts';
import { faultsOf, type Result } from '../src/load/result/result.ts';
import { startOwnServer } from '../src/load/run/own-server.ts';
import { DEFAULT_PASSWORD } from '../src/load/scenario/account.ts';
import { type Scenario, scenarioSchema } from '../src/load/scenario/scenario.ts';
import { type Figure, formatFigures, formatTimes } from './figures.ts';
import { runScenario } from './run-scenario.ts';

/** Outbox limit per client in bytes; the server's default. */
const OUTBOX_LIMIT = 2 ** 20;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '30' },
    clients: { type: 'string', default: '500' },
    share: { type: 'string', default: '0.1' },
    text: { type: 'string', default: '8000' },
    rate: { type: 'string', default: '50' },
    workers: { type: 'string' },
  },
});
const clients = Number(values.clients);
const share = Number(values.share);
const slow = Math.round(clients * share);

interface Round {
  readonly without: Result;
  readonly with: Result;
}

const FIGURES: readonly Figure<Round>[] = [
  { name: 'p50 of others, all read', of: ({ without }) => deliverOf(without).p50, format: formatDuration },
  {
    name: 'p50 of others, some do not read',
    of: (round) => deliverOf(round.with).p50,
    format: formatDuration,
  },
  { name: 'p99 of others, all read', of: ({ without }) => deliverOf(without).p99, format: formatDuration },
  {
    name: 'p99 of others, some do not read',
    of: (round) => deliverOf(round.with).p99,
    format: formatDuration,
  },
  {
    name: 'p99, some do not read ÷ all read',
    of: (round) => deliverOf(round.with).p99 / deliverOf(round.without).p99,
    format: formatTimes,
    goal: 1.5,
  },
  { name: 'peak memory, all read', of: ({ without }) => memoryOf(without), format: formatBytes },
  { name: 'peak memory, some do not read', of: (round) => memoryOf(round.with), format: formatBytes },
  {
    name: 'additional memory',
    of: (round) => memoryOf(round.with) - memoryOf(round.without),
    format: formatBytes,
    goal: slow * OUTBOX_LIMIT,
  },
  { name: 'disconnected', of: (round) => disconnected(round.with), format: formatCount },
  {
    name: 'lost, repeated or out of order',
    of: (round) => faultsOf(round.with),
    format: formatCount,
    goal: 0,
  },
];

const rounds: Round[] = [];
for (let round = 1; round <= Number(values.rounds); round += 1)
  rounds.push({ without: await measure(0), with: await measure(share) });
console.log(
  `${clients} clients in one room, ${values.rate} messages of ${values.text} bytes per second; ${formatShare(share)} stop reading; ` +
    `${values.rounds} rounds of ${values.seconds} s each; Node ${process.version}\n`,
);
console.log(formatFigures(FIGURES, rounds));
for (const why of new Set(rounds.flatMap((round) => [...round.without.invalid, ...round.with.invalid])))
  console.log(`\nNot valid in some round: ${why}`);

async function measure(slowShare: number): Promise<Result> {
  const workers = values.workers === undefined ? {} : { workers: Number(values.workers) };
  const args = ['--outbox-limit', String(OUTBOX_LIMIT)];
  const started = await startOwnServer({ accounts: clients, args, ...workers });
  if (started.type === 'failed') throw new Error(started.text);
  const { address, pid, stop } = started.server;
  try {
    const target = { name: 'Parley', ...address, wire: 'parley', pid, password: DEFAULT_PASSWORD } as const;
    const ran = await runScenario(scenarioOf(slowShare), target, new AbortController().signal);
    if (ran.type === 'failed') throw new Error(ran.text);
    return ran.result;
  } finally {
    await stop();
  }
}

function scenarioOf(slowShare: number): Scenario {
  return scenarioSchema.parse({
    version: 1,
    name: 'slow',
    users: clients,
    groups: [{ kind: 'rooms', size: clients }],
    talk: { loop: 'open', perUserPerMinute: (Number(values.rate) * 60) / clients },
    textBytes: Number(values.text),
    slowShare,
    phases: [
      { kind: 'ramp', seconds: 3 },
      { kind: 'warm_up', seconds: 3 },
      { kind: 'steady', seconds: Number(values.seconds) },
    ],
  });
}

/** Latencies of the clients that read, in milliseconds. */
function deliverOf({ latency }: Result): { readonly p50: number; readonly p99: number } {
  if (latency.deliver == null) throw new Error('nothing was delivered');
  return latency.deliver;
}

/** Peak resident memory in bytes. */
function memoryOf({ usage }: Result): number {
  if (usage === null) throw new Error('the usage of the server is unknown');
  return usage.bytesMost;
}

/**
 * Disconnected clients in the whole run. They do not learn the reason, because the server's last event is queued after everything
 * they have not read.
 */
function disconnected({ figures }: Result): number {
  return Object.entries(figures.errors).reduce(
    (sum, [name, count]) => sum + (name.startsWith('closed:') ? count : 0),
    0,
  );
}
