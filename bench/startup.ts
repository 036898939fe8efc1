/**
 * Measures how long a server takes to start, alternating between an empty folder and one with many accounts and messages: from
 * the start of the process until the line `listening on …`, and until the first login.
 *
 *   node bench/startup.ts [--starts 7] [--data DIR] [--accounts 1000000] [--messages 10000000] [--program FILE]
 *
 * The large folder is that of `npm run bench:stored`, and is created if it does not exist. Most of its files are in the page
 * cache, as they are at a restart; after a boot the disk matters. `--program` selects another `bin/parley.js`, such as that of an
 * installed package, which contains compiled code; when run from source, each thread strips the types at its start.
 */

import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { formatCount, formatDuration } from '../src/load/result/format.ts';
import { TestClient } from '../test/support/client.ts';
import { runProcess } from '../test/support/process.ts';
import { PARLEY } from '../test/support/server.ts';
import { type Goal, judge } from './goal.ts';
import { withLock } from './locked-folder.ts';
import { indexBacklog } from './search-backlog.ts';
import { formatSpread, spreadOf } from './spread.ts';
import { countStored, makeStoredFolder, STORED_FOLDER } from './stored-folder.ts';
import { renderTable } from './table.ts';
import { withFolder } from './temporary-folder.ts';

const EMPTY_GOAL: Goal = { most: 500, text: '500 ms' };
const STORED_GOAL: Goal = { most: 5_000, text: '5 s' };

/** Milliseconds since the start of the process. */
interface Start {
  readonly listening: number;
  /** When a guest was logged in. */
  readonly usable: number;
}

const { values } = parseArgs({
  options: {
    starts: { type: 'string', default: '7' },
    data: { type: 'string', default: STORED_FOLDER },
    accounts: { type: 'string', default: '1000000' },
    messages: { type: 'string', default: '10000000' },
    program: { type: 'string', default: PARLEY },
  },
});
const { data } = values;
await makeStoredFolder({ data, accounts: Number(values.accounts), messages: Number(values.messages) });
const stored = await withLock(data, countStored);
await withLock(data, indexBacklog);
// Warms the page cache, so that no measured start has to read the files from disk.
await measure(data);
const onEmpty: Start[] = [];
const onStored: Start[] = [];
for (let start = 1; start <= Number(values.starts); start += 1) {
  onEmpty.push(await withFolder(measure));
  onStored.push(await measure(data));
}
const rows = [
  describe('empty folder', onEmpty, EMPTY_GOAL),
  describe(
    `${formatCount(stored.accounts)} accounts, ${formatCount(stored.messages)} entries`,
    onStored,
    STORED_GOAL,
  ),
];
console.log(`${values.starts} starts each; medians (minimum – maximum); Node ${process.version}\n`);
console.log(renderTable(['start', 'listening', 'goal', 'first login'], rows));

async function measure(folder: string): Promise<Start> {
  const args = ['serve', '--data', folder, '--port', '0', '--guests', '--log-level', 'warn'];
  const began = performance.now();
  const server = runProcess(process.execPath, [values.program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  try {
    const address = await addressOf(server);
    const listening = performance.now() - began;
    const client = await TestClient.connect(address);
    await client.ok('guest', 'first');
    const usable = performance.now() - began;
    client.close();
    return { listening, usable };
  } finally {
    server.child.kill('SIGTERM');
    await server.exit();
  }
}

/** Resolves as soon as the server prints its address, without polling. */
async function addressOf({ child, stdout, stderr }: ReturnType<typeof runProcess>): Promise<string> {
  for (;;) {
    const address = /^listening on (\S+:\d+)$/m.exec(stdout())?.[1];
    if (address !== undefined) return address;
    if (child.exitCode !== null || child.stdout === null) throw new Error(`no server\n${stderr()}`);
    await Promise.race([once(child.stdout, 'data'), once(child, 'close')]);
  }
}

function describe(name: string, starts: readonly Start[], goal: Goal): string[] {
  const listening = spreadOf(starts.map((start) => start.listening));
  const usable = spreadOf(starts.map((start) => start.usable));
  return [
    name,
    formatSpread(listening, formatDuration),
    judge(listening.median, goal),
    formatSpread(usable, formatDuration),
  ];
}
