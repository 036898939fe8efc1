/**
 * Clients that stop reading: what they do to the others, and what they take of the server's memory. All are in one room, in which
 * so much is said that what waits for one who does not read fills what the system keeps for it, and then its outbox. Rounds in
 * which all read and in which some do not alternate, each with a server of its own. Who is sent away because too much waits comes
 * back, and reads; that is part of it.
 *
 *   node bench/slow.ts [--rounds 3] [--seconds 30] [--clients 500] [--share 0.1] [--text 8000] [--rate 50] [--workers N]
 *
 * `--rate`: messages a second in the room. `--text`: bytes of each.
 */

import { parseArgs } from 'node:util';
import { formatBytes, formatCount, formatDuration, formatShare } from '../src/load/result/format.ts';
import { faultsOf, type Result } from '../src/load/result/result.ts';
import { startOwnServer } from '../src/load/run/own-server.ts';
import { DEFAULT_PASSWORD } from '../src/load/scenario/account.ts';
import { type Scenario, scenarioSchema } from '../src/load/scenario/scenario.ts';
import { type Figure, formatFigures, formatTimes } from './figures.ts';
import { runScenario } from './run-scenario.ts';

/** What may wait for one client: the server's default, in bytes. */
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
  { name: 'p50 of the others, all read', of: ({ without }) => deliverOf(without).p50, write: formatDuration },
  { name: 'p50 of the others, some do not', of: (round) => deliverOf(round.with).p50, write: formatDuration },
  { name: 'p99 of the others, all read', of: ({ without }) => deliverOf(without).p99, write: formatDuration },
  { name: 'p99 of the others, some do not', of: (round) => deliverOf(round.with).p99, write: formatDuration },
  {
    name: 'p99, some do not ÷ all read',
    of: (round) => deliverOf(round.with).p99 / deliverOf(round.without).p99,
    write: formatTimes,
    goal: 1.5,
  },
  { name: 'most memory, all read', of: ({ without }) => memoryOf(without), write: formatBytes },
  { name: 'most memory, some do not', of: (round) => memoryOf(round.with), write: formatBytes },
  {
    name: 'more memory with them',
    of: (round) => memoryOf(round.with) - memoryOf(round.without),
    write: formatBytes,
    goal: slow * OUTBOX_LIMIT,
  },
  { name: 'sent away, and came back', of: (round) => sentAway(round.with), write: formatCount },
  {
    name: 'lost, repeated or out of order',
    of: (round) => faultsOf(round.with),
    write: formatCount,
    goal: 0,
  },
];

const rounds: Round[] = [];
for (let round = 1; round <= Number(values.rounds); round += 1)
  rounds.push({ without: await measure(0), with: await measure(share) });
console.log(
  `${clients} clients in one room, ${values.rate} messages of ${values.text} bytes a second; ${formatShare(share)} stop reading; ` +
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

/** Only of those who read; in milliseconds. */
function deliverOf({ latency }: Result): { readonly p50: number; readonly p99: number } {
  if (latency.deliver == null) throw new Error('nothing was delivered');
  return latency.deliver;
}

/** The most that was resident, in bytes. */
function memoryOf({ usage }: Result): number {
  if (usage === null) throw new Error('what the server uses is not known');
  return usage.bytesMost;
}

/** Of the whole run. Who reads nothing does not learn why: the farewell is behind all that it has not read. */
function sentAway({ figures }: Result): number {
  return Object.entries(figures.errors).reduce(
    (sum, [name, count]) => sum + (name.startsWith('closed:') ? count : 0),
    0,
  );
}
