/** A server whose clock is set while it runs: libfaketime sets it, and leaves the monotonic clock alone. */

import { execFileSync } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { expect, it, onTestFinished } from 'vitest';
import { TestClient } from '../support/client.ts';
import { testFolder } from '../support/folder.ts';
import { needs } from '../support/needs.ts';
import { until } from '../support/process.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const folder = testFolder();
const faketime = needs('faketime');
const DAY_MS = 86_400_000;

interface Machine {
  readonly server: RunningServer;
  readonly data: string;
  /** Sets the clock this many milliseconds ahead of the right time. */
  set(aheadMs: number): Promise<void>;
}

async function start(name: string, ...args: string[]): Promise<Machine> {
  const data = `${folder}/${name}`;
  const time = `${folder}/${name}.time`;
  writeFileSync(time, '+0');
  const env = {
    LD_PRELOAD: execFileSync(faketime, ['-m', '-f', '+0', 'sh', '-c', 'echo $LD_PRELOAD'], {
      encoding: 'utf8',
    }).trim(),
    FAKETIME_TIMESTAMP_FILE: time,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    DONT_FAKE_MONOTONIC: '1',
    PARLEY_TEST_SETTLE_MS: '3000',
  };
  const server = await startServer({ data, args, env });
  onTestFinished(async () => void (await server.kill()));
  return {
    server,
    data,
    async set(aheadMs) {
      // Immediately, for anyone who reads it.
      writeFileSync(`${time}.new`, `${aheadMs < 0 ? '-' : '+'}${Math.abs(aheadMs) / 1_000}`);
      renameSync(`${time}.new`, time);
    },
  };
}

/** Waits until something that is really old is removed: by then everything else that counts as old is removed, too. */
async function removal({ data }: Machine): Promise<void> {
  const db = new DatabaseSync(`${data}/chat.db`);
  db.exec("INSERT INTO entries (id, conversation, kind, account, text, at) VALUES (1, 1, 0, 1, 'old', 1)");
  await until(
    'what is old to be removed',
    () => db.prepare('SELECT 1 FROM entries WHERE id = 1').get() === undefined,
  );
  db.close();
}

/** How often the log has reported that the clock was set. */
function jumps({ server }: Machine): number {
  return server.stderr().split('"event":"clock.jumped"').length - 1;
}

it('a clock that is a month ahead for seconds deletes nothing, ends nothing, and leaves no wrong times', async () => {
  const at = await start('month', '--keep', '1d');
  const { address } = at.server;
  const ann = await TestClient.connect(address);
  await ann.ok('register', 'ann', 'secret of ann');
  const welcome = await ann.ok('login', 'ann', 'secret of ann');
  const token = typeof welcome === 'object' && welcome !== null && 'token' in welcome ? welcome.token : '';
  await ann.ok('send', 'ann', 'before', 'key');
  const waiting = await TestClient.connect(address);
  await removal(at);
  await at.set(30 * DAY_MS);
  await until('the jump in the log', () => jumps(at) === 1);
  const ahead = await ann.ok('send', 'ann', 'meanwhile');
  const resumed = await TestClient.connect(address);
  await resumed.ok('resume', 'ann', token, 0);
  await at.set(0);
  await until('the way back in the log', () => jumps(at) === 2);
  const right = await ann.ok('send', 'ann', 'after');
  if (!Array.isArray(ahead) || !Array.isArray(right)) throw new Error('no times');
  expect(right[0]).toBeGreaterThan(ahead[0]);
  expect(ahead[1] - Date.now()).toBeGreaterThan(29 * DAY_MS);
  expect(Math.abs(right[1] - Date.now())).toBeLessThan(60_000);
  await removal(at);
  const [page] = (await ann.ok('history', 'ann')) as [unknown[][]];
  expect(page.map((message) => message[4])).toEqual(['after', 'meanwhile', 'before']);
  expect(await ann.ok('send', 'ann', 'before', 'key')).toEqual(page[2]?.slice(0, 2));
  // A connection that has not logged in has a minute, whatever the clock says.
  await waiting.ok('ping');
  expect(jumps(at)).toBe(2);
});
