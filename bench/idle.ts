/**
 * What connections cost that say nothing: the server's memory for each, and what they do to the chat of others, which is the time
 * from a send until it is stored and its recipient has it. Each round has two new servers, one with the crowd and one without, and
 * the chat goes over from one to the other each second: whatever else the machine does, it does to both.
 *
 *   node bench/idle.ts [--rounds 3] [--seconds 20] [--connections 15000] [--workers N]
 */

import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatBytes, formatDuration } from '../src/load/result/format.ts';
import { ProcessUsage } from '../src/load/run/process-usage.ts';
import { TestClient } from '../test/support/client.ts';
import { type RunningServer, startServer } from '../test/support/server.ts';
import { type Latency, latencyOf, timeChat } from './chatter.ts';
import { Crowd } from './crowd/crowd.ts';
import { type Figure, formatFigures, formatTimes } from './figures.ts';
import { withFolder } from './temporary-folder.ts';

const WARM_UP_SECONDS = 3;
const SLICE_MS = 1_000;
/** What is given back late, is given back by then. */
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
  /** Of the server, for each connection. */
  readonly bytes: number;
  /** Until all were in. */
  readonly seconds: number;
}

const FIGURES: readonly Figure<Round>[] = [
  { name: 'memory for each connection', of: ({ bytes }) => bytes, write: formatBytes, goal: 6 * 1_024 },
  { name: 'p50 without', of: ({ without }) => without.p50, write: formatDuration },
  { name: 'p50 with', of: (round) => round.with.p50, write: formatDuration },
  {
    name: 'p50, with ÷ without',
    of: (round) => round.with.p50 / round.without.p50,
    write: formatTimes,
    goal: 1.2,
  },
  { name: 'p99 without', of: ({ without }) => without.p99, write: formatDuration },
  { name: 'p99 with', of: (round) => round.with.p99, write: formatDuration },
  {
    name: 'p99, with ÷ without',
    of: (round) => round.with.p99 / round.without.p99,
    write: formatTimes,
    goal: 1.2,
  },
  { name: 'until all were in', of: ({ seconds }) => seconds * 1_000, write: formatDuration },
];

const rounds: Round[] = [];
for (let round = 1; round <= Number(values.rounds); round += 1) rounds.push(await withFolder(measure));
console.log(
  `${connections} idle connections, ${values.rounds} rounds of ${values.seconds} s each; Node ${process.version}\n`,
);
console.log(formatFigures(FIGURES, rounds));

async function measure(folder: string): Promise<Round> {
  const crowd = new Crowd({ size: connections, password: undefined, room: 0 });
  const crowded = await start(join(folder, 'crowded'));
  const empty = await start(join(folder, 'empty'));
  try {
    const pairs = [await pairOn(crowded), await pairOn(empty)] as const;
    await chat(pairs, WARM_UP_SECONDS);
    const before = residentBytes(crowded.child.pid);
    const { seconds } = await crowd.comeIn(crowded.address);
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const [busy, quiet] = await chat(pairs, Number(values.seconds));
    const bytes = (residentBytes(crowded.child.pid) - before) / connections;
    return { without: quiet, with: busy, bytes, seconds };
  } finally {
    await crowd.end();
    await Promise.all([crowded.stop(), empty.stop()]);
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

/** By turns, for that many seconds each. */
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

/** Of the whole process, with all its threads. */
function residentBytes(pid: number | undefined): number {
  const started = ProcessUsage.start(pid ?? 0);
  const sample = started.type === 'started' ? started.usage.sample() : undefined;
  if (sample === undefined) throw new Error('what the server uses is not known');
  return sample.bytes;
}
