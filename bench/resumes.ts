/**
 * A restart of the server: how long until all clients are live again, each with its token and its last id, and what their coming
 * back does to the chat of others, which is the time from a send until it is stored and its recipient has it. In each round the
 * server is stopped and started, all come back as fast as they can, and then nothing else goes on for a while.
 *
 *   node bench/resumes.ts [--rounds 3] [--seconds 10] [--clients 15000] [--at-once 15000] [--room 25] [--workers N]
 *
 * `--seconds`: of quiet chat. `--at-once`: how many are on their way at a time. `--room`: members of each room, 0 for no rooms.
 */

import { parseArgs } from 'node:util';
import { formatCount, formatDuration } from '../src/load/result/format.ts';
import { prepareAccounts } from '../src/load/run/prepare.ts';
import { DEFAULT_PASSWORD } from '../src/load/scenario/account.ts';
import { TestClient } from '../test/support/client.ts';
import { type RunningServer, startServer } from '../test/support/server.ts';
import { type Latency, measureChat } from './chatter.ts';
import { Crowd } from './crowd/crowd.ts';
import { type Figure, formatFigures, formatTimes } from './figures.ts';
import { withFolder } from './temporary-folder.ts';

/** Who comes back is told to others within a second, and what is written behind is written by then. */
const SETTLE_MS = 3_000;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '10' },
    clients: { type: 'string', default: '15000' },
    'at-once': { type: 'string', default: '15000' },
    room: { type: 'string', default: '25' },
    workers: { type: 'string' },
  },
});
const clients = Number(values.clients);
const workers = values.workers === undefined ? [] : ['--workers', values.workers];
const args = ['--guests', '--log-level', 'warn', ...workers];

interface Round {
  /** From when the server was told to end until it listened again, in milliseconds. */
  readonly downMs: number;
  /** From when it listened until all were live, in milliseconds. */
  readonly backMs: number;
  /** Tries to come back that came to nothing. */
  readonly failures: number;
  readonly meanwhile: Latency;
  readonly quiet: Latency;
}

const FIGURES: readonly Figure<Round>[] = [
  { name: 'server away', of: ({ downMs }) => downMs, write: formatDuration },
  { name: 'all live after', of: ({ backMs }) => backMs, write: formatDuration, goal: 15_000 },
  { name: 'resumes a second', of: ({ backMs }) => (clients * 1_000) / backMs, write: formatCount },
  { name: 'tries that came to nothing', of: ({ failures }) => failures, write: formatCount },
  { name: 'p50 of others, quiet', of: ({ quiet }) => quiet.p50, write: formatDuration },
  { name: 'p50 of others, meanwhile', of: ({ meanwhile }) => meanwhile.p50, write: formatDuration },
  { name: 'p99 of others, quiet', of: ({ quiet }) => quiet.p99, write: formatDuration },
  { name: 'p99 of others, meanwhile', of: ({ meanwhile }) => meanwhile.p99, write: formatDuration },
  {
    name: 'p99, meanwhile ÷ quiet',
    of: ({ meanwhile, quiet }) => meanwhile.p99 / quiet.p99,
    write: formatTimes,
    goal: 2,
  },
];

const rounds = await withFolder(measure);
console.log(
  `${clients} clients in rooms of ${values.room}, ${values['at-once']} at once, ${values.rounds} restarts; Node ${process.version}\n`,
);
console.log(formatFigures(FIGURES, rounds));

async function measure(data: string): Promise<Round[]> {
  const prepared = await prepareAccounts({ data, users: clients, cost: 'cheap' });
  if (prepared.type === 'refused') throw new Error(prepared.text);
  const crowd = new Crowd({ size: clients, password: DEFAULT_PASSWORD, room: Number(values.room) });
  const measured: Round[] = [];
  let server = await startServer({ data, args });
  try {
    await crowd.comeIn(server.address);
    // The first is not counted: then they are also told who joined their rooms.
    for (let round = 0; round <= Number(values.rounds); round += 1) {
      const stopped = performance.now();
      await server.stop();
      server = await startServer({ data, args });
      const downMs = performance.now() - stopped;
      const back = await comeBack(crowd, server);
      if (round > 0) measured.push({ downMs, ...back });
    }
    return measured;
  } finally {
    await crowd.end();
    await server.kill();
  }
}

/** To a server that has just started. */
async function comeBack(crowd: Crowd, server: RunningServer): Promise<Omit<Round, 'downMs'>> {
  const [ann, ben] = await Promise.all([guest(server, 'ann'), guest(server, 'ben')]);
  const back = crowd.comeBack(server.address, Number(values['at-once']));
  const meanwhile = await measureChat(ann, 'ben', back, ben);
  const { seconds, failures } = await back;
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const quiet = await measureChat(ann, 'ben', Number(values.seconds) * 1_000, ben);
  return { backMs: seconds * 1_000, failures, meanwhile, quiet };
}

async function guest({ address }: RunningServer, name: string): Promise<TestClient> {
  const client = await TestClient.connect(address);
  await client.ok('guest', name);
  await client.event('live');
  return client;
}
