/**
 * What a storm of logins does to the chat of others: the time from a send to its acknowledgement, with nothing
 * else going on, and while the hash pool is full all the time; alternating, medians of the rounds.
 *
 *   node bench/login-storm.ts [--rounds 5] [--seconds 4] [--clients 200]
 */

import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { TestClient } from '../test/support/client.ts';
import { startServer } from '../test/support/server.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    clients: { type: 'string', default: '200' },
  },
});
const [rounds, seconds, clients] = [values.rounds, values.seconds, values.clients].map(Number) as [
  number,
  number,
  number,
];
/** What a client waits that was told `busy`. */
const BUSY_WAIT_MS = 200;
const data = `${tmpdir()}/parley-login-storm-${process.pid}`;
const server = await startServer({ data, args: ['--log-level', 'warn'] });

interface Round {
  readonly p50: number;
  readonly p99: number;
  readonly logins: number;
}

try {
  const ann = await TestClient.register(server.address, 'ann');
  await TestClient.register(server.address, 'ben');
  const idle: Round[] = [];
  const storm: Round[] = [];
  for (let round = 0; round < rounds; round += 1) {
    idle.push(await measure(ann, 0));
    storm.push(await measure(ann, clients));
  }
  const row = (name: string, of: Round[]): string =>
    `${name.padEnd(8)} p50 ${median(of.map((r) => r.p50)).toFixed(2)} ms   p99 ${median(of.map((r) => r.p99)).toFixed(2)} ms   ` +
    `${median(of.map((r) => r.logins / seconds)).toFixed(0)} logins/s`;
  console.log(
    `${rounds} rounds of ${seconds} s each, ${clients} clients logging in without pause; Node ${process.version}`,
  );
  console.log(row('idle', idle));
  console.log(row('storm', storm));
} finally {
  await server.stop();
  rmSync(data, { recursive: true, force: true });
}

/** One round: sends one message after the other, while `stormers` clients do nothing but log in and out. */
async function measure(chatter: TestClient, stormers: number): Promise<Round> {
  const end = performance.now() + seconds * 1_000;
  let logins = 0;
  const storm = Array.from({ length: stormers }, async () => {
    const client = await TestClient.connect(server.address);
    while (performance.now() < end) {
      const answer = await client.call('login', 'ben', 'secret of ben');
      if (answer[0] !== 'ok') {
        await new Promise((resolve) => setTimeout(resolve, BUSY_WAIT_MS));
        continue;
      }
      logins += 1;
      await client.call('logout');
    }
    client.close();
  });
  const times: number[] = [];
  while (performance.now() < end) {
    const start = performance.now();
    await chatter.ok('send', 'ben', 'are you there?');
    times.push(performance.now() - start);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await Promise.all(storm);
  times.sort((a, b) => a - b);
  return {
    p50: times[Math.floor(times.length * 0.5)] ?? 0,
    p99: times[Math.floor(times.length * 0.99)] ?? 0,
    logins,
  };
}

function median(of: number[]): number {
  const sorted = of.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
