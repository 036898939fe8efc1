/**
 * Measures a restart of the server: how long until all clients are live again, each with its token and last id, and the effect on
 * other users' chat, which is the time from a send until the message is stored and its recipient has it. In each round the server
 * is stopped and started, all clients reconnect as fast as they can, and then the server is idle for a while.
 *
 *   node bench/resumes.ts [--rounds 3] [--seconds 10] [--clients 15000] [--at-once 15000] [--room 25] [--workers N]
 *
 * `--seconds`: length of the idle phase. `--at-once`: concurrent logins. `--room`: members per room, 0 for no rooms.
 */

import { parseArgs } from 'node:util';
import { formatCount, formatDuration } from '../src/load/result/format.ts';
import { prepareAccounts } from '../src/load/run/prepare.ts';
import { DEFAULT_PASSWORD } from '../src/load/scenario/account.ts';
import { TestClient } from '../test/support/client.ts';
import { type RunningServer, startServer } from '../test/support/server.ts';
import { type Latency, measureChat } from './chat-latency.ts';
import { type Figure, formatFigures, formatTimes } from './figures.ts';
import { IdleClients } from './idle-clients/idle-clients.ts';
import { withFolder } from './temporary-folder.ts';

/** Long enough for presence events, which are sent within a second, and for delayed writes. */
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
  /** From the stop signal until the server listened again, in milliseconds. */
  readonly downMs: number;
  /** From when the server listened until all clients were live, in milliseconds. */
  readonly backMs: number;
  /** Failed attempts to reconnect. */
  readonly failures: number;
  readonly meanwhile: Latency;
  readonly quiet: Latency;
}

const FIGURES: readonly Figure<Round>[] = [
  { name: 'server down', of: ({ downMs }) => downMs, format: formatDuration },
  { name: 'all live after', of: ({ backMs }) => backMs, format: formatDuration, goal: 15_000 },
  { name: 'resumes per second', of: ({ backMs }) => (clients * 1_000) / backMs, format: formatCount },
  { name: 'failed attempts', of: ({ failures }) => failures, format: formatCount },
  { name: 'p50 of others, idle', of: ({ quiet }) => quiet.p50, format: formatDuration },
  { name: 'p50 of others, during reconnects', of: ({ meanwhile }) => meanwhile.p50, format: formatDuration },
  { name: 'p99 of others, idle', of: ({ quiet }) => quiet.p99, format: formatDuration },
  { name: 'p99 of others, during reconnects', of: ({ meanwhile }) => meanwhile.p99, format: formatDuration },
  {
    name: 'p99, during reconnects ÷ idle',
    of: ({ meanwhile, quiet }) => meanwhile.p99 / quiet.p99,
    format: formatTimes,
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
  const idleClients = new IdleClients({
    size: clients,
    password: DEFAULT_PASSWORD,
    room: Number(values.room),
  });
  const measured: Round[] = [];
  let server = await startServer({ data, args });
  try {
    await idleClients.connect(server.address);
    // The first round is not counted, because clients then also receive the joins of their rooms.
    for (let round = 0; round <= Number(values.rounds); round += 1) {
      const stopped = performance.now();
      await server.stop();
      server = await startServer({ data, args });
      const downMs = performance.now() - stopped;
      const back = await reconnect(idleClients, server);
      if (round > 0) measured.push({ downMs, ...back });
    }
    return measured;
  } finally {
    await idleClients.stop();
    await server.kill();
  }
}

/** Reconnects all clients to a server that has just started. */
async function reconnect(idleClients: IdleClients, server: RunningServer): Promise<Omit<Round, 'downMs'>> {
  const [ann, ben] = await Promise.all([guest(server, 'ann'), guest(server, 'ben')]);
  const back = idleClients.reconnect(server.address, Number(values['at-once']));
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
