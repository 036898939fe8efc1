/** What happens between two steps that belong together: each test delays one part of the server there. */

import { once } from 'node:events';
import { watch } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { expect, it, onTestFinished } from 'vitest';
import { encodeFrame } from '../../src/protocol/codec.ts';
import { TestClient } from '../support/client.ts';
import { until } from '../support/process.ts';
import type { RunningServer } from '../support/server.ts';
import { type ServerRun, serverRuns } from '../support/server-runs.ts';

const run = serverRuns();

/** The shards that connections were opened on, oldest first. A connection that has sent nothing is not in the log. */
function opened(server: RunningServer): string[] {
  const lines = server.stderr().matchAll(/"thread":"(shard-\d)","event":"connection.opened"/g);
  return Array.from(lines, (match) => match[1] ?? '');
}

/** Reconnects until that shard serves the connection. Nobody else may connect meanwhile. */
async function connectTo(server: RunningServer, shard: string): Promise<TestClient> {
  for (;;) {
    const before = opened(server).length;
    const client = await TestClient.connect(server.address);
    await client.ok('ping');
    if ((await until('the connection in the log', () => opened(server)[before])) === shard) return client;
    client.close();
  }
}

async function register(server: RunningServer, ...users: string[]): Promise<void> {
  const client = await connectTo(server, 'shard-1');
  for (const user of users) await client.ok('register', user, `secret of ${user}`);
  client.close();
}

async function loginTo(server: RunningServer, shard: string, user: string): Promise<TestClient> {
  const client = await connectTo(server, shard);
  await client.enter(user);
  return client;
}

/** Until a thread is dead, or its successor is working. */
function logged(server: RunningServer, event: 'exited' | 'restarted', thread: string): Promise<unknown> {
  const line = new RegExp(`"thread.${event}".*"child":"${thread}"`);
  return until(`${thread} to be ${event}`, () => line.test(server.stderr()));
}

/** From here on the registry cannot commit, and waits for a few seconds at most. Closing lets it continue. */
async function lockLog({ data }: ServerRun, client: TestClient): Promise<DatabaseSync> {
  const lock = new DatabaseSync(`${data}/chat.db`);
  lock.exec('BEGIN IMMEDIATE');
  client.request('send', 'ann', 'the registry waits with this');
  await client.ok('ping');
  return lock;
}

function onlyAnnIsOnline(ann: TestClient): Promise<boolean> {
  const look = async (): Promise<boolean> => JSON.stringify(await ann.ok('who')) === '[[["ann",true]],null]';
  return until('only ann to be online', look, { timeoutMs: 3_000 });
}

/** The registry dies, and its successor waits for the file, for a few seconds at most. Closing lets it start. */
function loseRegistry({ server, data }: ServerRun): DatabaseSync {
  server.crash('registry');
  const lock = new DatabaseSync(`${data}/chat.db`, { timeout: 5_000 });
  // Waits until the dying registry has released it.
  lock.exec('BEGIN IMMEDIATE');
  return lock;
}

it('a shard dies and is back before the registry hears of it: its sessions are over', async () => {
  const at = await run('--workers', '2', '--guests');
  const { server } = at;
  await register(server, 'ann', 'victim');
  const ann = await loginTo(server, 'shard-1', 'ann');
  const victim = await loginTo(server, 'shard-2', 'victim');
  const visitor = await connectTo(server, 'shard-2');
  await visitor.ok('guest', 'visitor');
  for (const client of [ann, victim, visitor]) await client.ok('join', '#r');
  const lock = await lockLog(at, ann);
  server.crash('shard-2');
  await logged(server, 'exited', 'shard-2');
  // Longer than its successor takes to start, and to be linked to the registry as far as that is possible.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  lock.close();
  await logged(server, 'restarted', 'shard-2');
  await onlyAnnIsOnline(ann);
  await ann.event('left', (e) => e[4] === 'visitor');
});

it('a session begins on a shard that lags, and the registry dies: it gets nothing from before', async () => {
  const { server } = await run('--workers', '2');
  await register(server, 'ann', 'bob', 'cat');
  const bob = await loginTo(server, 'shard-1', 'bob');
  await loginTo(server, 'shard-2', 'cat');
  await bob.ok('join', '#r');
  for (let rounds = 0, friends = 0; rounds < 2; friends += 1) {
    const friend = `friend${friends}`;
    const late = await connectTo(server, 'shard-2');
    await register(server, friend);
    await (await loginTo(server, 'shard-1', friend)).ok('join', '#r');
    // Presence is announced once a second; at the same moment shards learn how far the log has come. A client that
    // joins later than the moment after its login is not announced as online.
    const isTold = await bob.event('online', (e) => e[1] === friend, 2_000).catch(() => undefined);
    if (isTold === undefined) continue;
    rounds += 1;
    await bob.ok('send', 'ann', 'from before');
    await late.ok('login', 'ann', 'secret of ann', Number.MAX_SAFE_INTEGER);
    server.crash('registry');
    await late.ok('send', 'bob', 'from after');
    expect(late.messages()).toEqual([]);
  }
});

it('a shard dies before the registry hears of an account: it can log in', async () => {
  const { server, data } = await run('--workers', '2', '--commands-per-second', '0');
  await register(server, 'ann');
  const newcomer = await connectTo(server, 'shard-2');
  const noise = [];
  for (let i = 0; i < 4; i += 1) noise.push(await connectTo(server, 'shard-2'));
  const users = watch(`${data}/users.txt`);
  onTestFinished(() => users.close());
  const stored = once(users, 'change');
  newcomer.request('register', 'ben', 'secret of ben');
  // The turns of the shard become so long that it does not get to auth's answer.
  const pings = Buffer.concat(new Array(30_000).fill(encodeFrame(['ping', 1])));
  for (const { socket } of noise) socket.removeAllListeners('data').resume().write(pings);
  await stored;
  server.crash('shard-2');
  await logged(server, 'restarted', 'shard-2');
  const ben = await TestClient.login(server.address, 'ben');
  await ben.ok('send', 'ann', 'I am here');
});

it('auth restarts while a guest’s login waits for the registry: the name stays the guest’s', async () => {
  const at = await run('--workers', '2', '--guests');
  const { server } = at;
  const [guest, other] = [await connectTo(server, 'shard-1'), await connectTo(server, 'shard-1')];
  const lock = loseRegistry(at);
  const login = guest.request('guest', 'visitor');
  await other.ok('ping');
  expect(await other.refused('guest', 'VISITOR')).toBe('name_taken');
  server.crash('auth');
  await logged(server, 'restarted', 'auth');
  lock.close();
  expect((await guest.answer(login))[0]).toBe('ok');
  expect(await other.refused('register', 'visitor', 'a password')).toBe('name_taken');
});
