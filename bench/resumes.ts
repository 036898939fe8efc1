/**
 * How fast clients come back after a restart: resumes a second beside logins a second, on the same machine with the
 * same number of connections; and how long it takes until all are live.
 *
 *   node bench/resumes.ts [--clients 10000] [--logins 200]
 */

import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { TestClient } from '../test/support/client.ts';
import { startServer } from '../test/support/server.ts';

const AT_ONCE = 200;
const ACCOUNTS = 100;
const ROOM = '#all';

const { values } = parseArgs({
  options: { clients: { type: 'string', default: '10000' }, logins: { type: 'string', default: '200' } },
});
const clients = Number(values.clients);
const logins = Number(values.logins);
const data = `${tmpdir()}/parley-resumes-${process.pid}`;
const args = ['--log-level', 'warn', '--hash-workers', '2'];

const first = await startServer({ data, args });
const userOf = (index: number): string => `user${index % ACCOUNTS}`;
await inTurn(ACCOUNTS, 8, async (index) =>
  (await TestClient.register(first.address, userOf(index))).ok('join', ROOM),
);
const tokens = new Map<string, string>();
const startOfLogins = performance.now();
await inTurn(logins, 8, async (index) => {
  const user = userOf(index);
  const client = await TestClient.connect(first.address);
  const result = await client.ok('login', user, `secret of ${user}`, Number.MAX_SAFE_INTEGER);
  if (typeof result === 'object' && result !== null && 'token' in result)
    tokens.set(user, String(result.token));
});
const loginsPerSecond = (logins * 1_000) / (performance.now() - startOfLogins);
await first.stop();

const second = await startServer({ data, args });
const startOfResumes = performance.now();
await inTurn(clients, AT_ONCE, async (index) => {
  const user = userOf(index);
  const client = await TestClient.connect(second.address);
  await client.ok('resume', user, tokens.get(user), Number.MAX_SAFE_INTEGER);
  await client.event('live');
});
const seconds = (performance.now() - startOfResumes) / 1_000;
console.log(`Node ${process.version}, ${args.join(' ')}`);
console.log(`logins   ${loginsPerSecond.toFixed(0)} a second`);
console.log(
  `resumes  ${(clients / seconds).toFixed(0)} a second: ${clients} clients live after ${seconds.toFixed(2)} s`,
);
await second.kill();
rmSync(data, { recursive: true, force: true });
process.exit(0);

/** Does `work` for each number below `count`, `width` of them at a time. */
async function inTurn(
  count: number,
  width: number,
  work: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await work(index);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
