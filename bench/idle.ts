/**
 * Measures the cost of idle connections: the server's memory per connection, and their effect on other users' chat, which is the
 * time from a send until the message is stored and its recipient has it. Each round starts two servers, one with the idle
 * connections and one without. The chat alternates between them every second, so that other load on the machine affects both.
 *
 *   node bench/idle.ts [--rounds 3] [--seconds 20] [--connections 15000] [--workers N]
 */

import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatBytes, formatDuration } from '../src/load/result/format.ts';
import { ProcessUsage } from '../src/load/run/process-usage.ts';
import { TestClient } from '../test/support/client.ts';
import { type RunningServer, startServer } from '../test/support/server.ts';
import { type Latency, latencyOf, timeChat } from './chat-latency.ts';
import { type Figure, formatFigures, formatTimes } from './figures.ts';
import { IdleClients } from './idle-clients/idle-clients.ts';
import { withFolder } from './temporary-folder.ts';

const WARM_UP_SECONDS = 3;
const SLICE_MS = 1_000;
/** Long enough for delayed releases of memory. */
const SETTLE_MS = 3_000;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '20' },
    connections: { type: 'string', default: '15000' },
    workers: { type: 'string' },
  },
});
const connections = Number(values.connections);
const workers = values.workers === undefined ? [] : ['--workers', values.workers];

interface Round {
  readonly without: Latency;
  readonly with: Latency;
  /** The server's memory per connection. */
  readonly bytes: number;
  /** Time until all were connected. */
  readonly seconds: number;
}

const FIGURES: readonly Figure<Round>[] = [
  { name: 'memory per connection', of: ({ bytes }) => bytes, format: formatBytes, goal: 6 * 1_024 },
  { name: 'p50 without', of: ({ without }) => without.p50, format: formatDuration },
  { name: 'p50 with', of: (round) => round.with.p50, format: formatDuration },
  {
    name: 'p50, with ÷ without',
    of: (round) => round.with.p50 / round.without.p50,
    format: formatTimes,
    goal: 1.2,
  },
  { name: 'p99 without', of: ({ without }) => without.p99, format: formatDuration },
  { name: 'p99 with', of: (round) => round.with.p99, format: formatDuration },
  {
    name: 'p99, with ÷ without',
    of: (round) => round.with.p99 / round.without.p99,
    format: formatTimes,
    goal: 1.2,
  },
  { name: 'until all were connected', of: ({ seconds }) => seconds * 1_000, format: formatDuration },
];

const rounds: Round[] = [];
for (let round = 1; round <= Number(values.rounds); round += 1) rounds.push(await withFolder(measure));
console.log(
  `${connections} idle connections, ${values.rounds} rounds of ${values.seconds} s each; Node ${process.version}\n`,
);
console.log(formatFigures(FIGURES, rounds));

async function measure(folder: string): Promise<Round> {
  const idleClients = new IdleClients({ size: connections, password: undefined, room: 0 });
  const loaded = await start(join(folder, 'loaded'));
  const empty = await start(join(folder, 'empty'));
  try {
    const pairs = [await pairOn(loaded), await pairOn(empty)] as const;
    await chat(pairs, WARM_UP_SECONDS);
    const before = residentBytes(loaded.child.pid);
    const { seconds } = await idleClients.connect(loaded.address);
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const [busy, quiet] = await chat(pairs, Number(values.seconds));
    const bytes = (residentBytes(loaded.child.pid) - before) / connections;
    return { without: quiet, with: busy, bytes, seconds };
  } finally {
    await idleClients.stop();
    await Promise.all([loaded.stop(), empty.stop()]);
  }
}

function start(data: string): Promise<RunningServer> {
  return startServer({ data, args: ['--guests', '--log-level', 'warn', ...workers] });
}

interface Pair {
  readonly ann: TestClient;
  readonly ben: TestClient;
}

async function pairOn({ address }: RunningServer): Promise<Pair> {
  return { ann: await guest(address, 'ann'), ben: await guest(address, 'ben') };
}

/** Alternates between both pairs, for that many seconds each. */
async function chat([one, other]: readonly [Pair, Pair], seconds: number): Promise<[Latency, Latency]> {
  const times: [number[], number[]] = [[], []];
  for (let second = 0; second < seconds; second += 1) {
    times[0].push(...(await timeChat(one.ann, 'ben', SLICE_MS, one.ben)));
    times[1].push(...(await timeChat(other.ann, 'ben', SLICE_MS, other.ben)));
  }
  return [latencyOf(times[0]), latencyOf(times[1])];
}

async function guest(address: string, name: string): Promise<TestClient> {
  const client = await TestClient.connect(address);
  await client.ok('guest', name);
  await client.event('live');
  return client;
}

/** Resident memory of the whole process. */
function residentBytes(pid: number | undefined): number {
  const started = ProcessUsage.start(pid ?? 0);
  const sample = started.type === 'started' ? started.usage.sample() : undefined;
  if (sample === undefined) throw new Error('the usage of the server is unknown');
  return sample.bytes;
}
