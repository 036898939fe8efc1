/**
 * Measures the effect of continuous logins on other users' chat: the time from a send to its acknowledgement, on an idle server
 * and with the hash pool permanently full, alternating. Reports medians of the rounds. The logins come from a thread of their
 * own, so that they do not delay the thread that measures.
 *
 *   node bench/login-storm.ts [--rounds 3] [--seconds 60] [--clients 200]
 */

import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { formatCount, formatDuration } from '../src/load/result/format.ts';
import { TestClient } from '../test/support/client.ts';
import { startServer } from '../test/support/server.ts';
import { type Latency, measureChat } from './chat-latency.ts';
import { type Figure, formatFigures, formatTimes } from './figures.ts';
import { withFolder } from './temporary-folder.ts';

/** How long a client waits after `busy`. */
const BUSY_WAIT_MS = 200;

/** A last id greater than all others, so that nothing is replayed. */
const NOTHING_MISSED = Number.MAX_SAFE_INTEGER;

interface Storm {
  readonly address: string;
  readonly clients: number;
  readonly ms: number;
}

interface Measured extends Latency {
  /** Per second. */
  readonly logins: number;
}

interface Round {
  readonly idle: Measured;
  readonly storm: Measured;
}

const FIGURES: readonly Figure<Round>[] = [
  { name: 'p50, idle', of: ({ idle }) => idle.p50, format: formatDuration },
  { name: 'p50, storm', of: ({ storm }) => storm.p50, format: formatDuration },
  { name: 'p99, idle', of: ({ idle }) => idle.p99, format: formatDuration },
  { name: 'p99, storm', of: ({ storm }) => storm.p99, format: formatDuration },
  {
    name: 'p99, storm ÷ idle',
    of: ({ idle, storm }) => storm.p99 / idle.p99,
    format: formatTimes,
    goal: 2,
  },
  { name: 'logins per second', of: ({ storm }) => storm.logins, format: formatCount },
];

if (isMainThread) await compare();
else parentPort?.postMessage(await storm(workerData));

async function compare(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '60' },
      clients: { type: 'string', default: '200' },
    },
  });
  const rounds = Number(values.rounds);
  const ms = Number(values.seconds) * 1_000;
  const clients = Number(values.clients);
  const measured = await withFolder(async (data) => {
    const { address, stop } = await startServer({ data, args: ['--log-level', 'warn'] });
    try {
      const ann = await TestClient.register(address, 'ann');
      await TestClient.register(address, 'ben');
      const done: Round[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const idle = await measure(ann, { address, clients: 0, ms });
        done.push({ idle, storm: await measure(ann, { address, clients, ms }) });
      }
      return done;
    } finally {
      await stop();
    }
  });
  console.log(
    `${rounds} rounds of ${values.seconds} s each, ${clients} clients logging in continuously; Node ${process.version}\n`,
  );
  console.log(formatFigures(FIGURES, measured));
}

/** Measures chat during the storm. */
async function measure(sender: TestClient, plan: Storm): Promise<Measured> {
  const thread = new Worker(new URL(import.meta.url), { workerData: plan });
  const ended = once(thread, 'message');
  const latency = await measureChat(sender, 'ben', plan.ms);
  const [logins] = await ended;
  return { ...latency, logins: (logins * 1_000) / plan.ms };
}

/** Logs clients in and out until the time is over. Returns the number of logins. */
async function storm({ address, clients, ms }: Storm): Promise<number> {
  const end = performance.now() + ms;
  let logins = 0;
  const one = async (): Promise<void> => {
    const client = await TestClient.connect(address);
    while (performance.now() < end) {
      const answer = await client.call('login', 'ben', 'secret of ben', NOTHING_MISSED);
      if (answer[0] === 'ok') {
        logins += 1;
        await client.call('logout');
      } else {
        await new Promise((resolve) => setTimeout(resolve, BUSY_WAIT_MS));
      }
    }
    client.close();
  };
  await Promise.all(Array.from({ length: clients }, one));
  return logins;
}
