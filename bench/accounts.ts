/**
 * Measures how long a server with many accounts takes to start, and how much memory it uses: at the first start with a
 * `users.txt`, which also adds the accounts to `chat.db`, and at later ones.
 *
 *   node bench/accounts.ts [--accounts 1000000] [--starts 3]
 */

import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { hashSync } from '@node-rs/argon2';
import { TestClient } from '../test/support/client.ts';
import { startServer } from '../test/support/server.ts';
import { withFolder } from './temporary-folder.ts';

const { values } = parseArgs({
  options: { accounts: { type: 'string', default: '1000000' }, starts: { type: 'string', default: '3' } },
});
const accounts = Number(values.accounts);
const password = 'the same for all';

await withFolder(async (data) => {
  writeUsers(`${data}/users.txt`);
  console.log(`${accounts} accounts; Node ${process.version}`);
  for (let start = 1; start <= Number(values.starts); start += 1)
    await measure(data, start === 1 ? 'first start' : 'later start');
});

async function measure(data: string, name: string): Promise<void> {
  const began = performance.now();
  const server = await startServer({ data, args: ['--log-level', 'warn'] });
  const listening = performance.now() - began;
  const client = await TestClient.connect(server.address);
  const answer = await login(client);
  const usable = performance.now() - began;
  const status = readFileSync(`/proc/${server.child.pid}/status`, 'utf8');
  const memory = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024;
  console.log(
    `${name}: listening after ${seconds(listening)}, login ${answer} after ${seconds(usable)}, ${memory.toFixed(0)} MiB resident`,
  );
  client.close();
  await server.stop();
}

/** Logs in, which succeeds only once the registry knows the accounts, too. */
async function login(client: TestClient): Promise<unknown> {
  const id = client.request('login', `user${accounts - 1}`, password);
  await client.until(() => client.answers.has(id), 'the login', 120_000);
  return client.answers.get(id)?.[0];
}

function writeUsers(path: string): void {
  const hash = hashSync(password, { memoryCost: 19_456, timeCost: 2, parallelism: 1 });
  const file = openSync(path, 'wx', 0o600);
  writeSync(file, '# parley users 1\n');
  for (let i = 0; i < accounts; ) {
    let lines = '';
    for (const end = Math.min(accounts, i + 10_000); i < end; i += 1)
      lines += `user${i} ${hash} 2026-01-01T00:00:00Z\n`;
    writeSync(file, lines);
  }
  closeSync(file);
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}
