/** Peers that do what no honest client does, or far more of it: what they cost themselves and others. */

import { connect } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { encodeFrame } from '../../src/protocol/codec.ts';
import { TestClient } from '../support/client.ts';
import { testFolder } from '../support/folder.ts';
import { until } from '../support/process.ts';
import { startServer } from '../support/server.ts';
import { sharedServer } from '../support/server-runs.ts';

const folder = testFolder();
const args = ['--workers', '1', '--hash-workers', '1', '--guests'];
const GARBAGE = Buffer.from('garbage!');
const GUESTS = 1_000;
const server = sharedServer(...args);
let ann: TestClient;

beforeAll(async () => {
  ann = await TestClient.register(server.address, 'ann');
});

/** `count` requests in one piece; their ids start at `first`. */
function frames(count: number, first: number, verb: string, ...values: unknown[]): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, i) => encodeFrame([verb, first + i, ...values])));
}

/** Milliseconds until the request is answered. */
async function timed(client: TestClient, verb: string, ...values: unknown[]): Promise<number> {
  const start = performance.now();
  await client.ok(verb, ...values);
  return performance.now() - start;
}

it.each([
  ['quit', encodeFrame(['quit', 102]), ['ok', 102]],
  ['bad_frame', GARBAGE, ['error', null, 'bad_frame']],
])('answers all requests of a peer that closes its side after %s', async (code, last, lastAnswer) => {
  const client = await TestClient.login(server.address, 'ann');
  client.answers.clear();
  client.socket.end(Buffer.concat([encodeFrame(['send', 101, 'ann', 'a note']), last]));
  await client.closed();
  const answers = [...client.answers.values()];
  expect(answers.map((answer) => [answer[0], answer[1]])).toEqual([['ok', 101], lastAnswer.slice(0, 2)]);
  expect(answers[1]?.slice(0, 3)).toEqual(lastAnswer);
  expect(client.events.at(-1)?.slice(0, 2)).toEqual(['bye', code]);
});

it('tolerates anything after a quit or a bad frame, without harm to others', async () => {
  const bytes = Buffer.alloc(128 << 20, 'x');
  const blasts = [encodeFrame(['quit', 1]), GARBAGE].map((end) => blast(end, bytes));
  let areOver = false;
  const taken = Promise.all(blasts).finally(() => {
    areOver = true;
  });
  let worst = 0;
  while (!areOver) worst = Math.max(worst, await timed(ann, 'ping'));
  expect(await taken).toEqual([true, true]);
  expect(worst).toBeLessThan(500);
});

/** Sends the last frame and then the bytes. True if the server accepted them all before it closed. */
function blast(end: Buffer, bytes: Buffer): Promise<boolean> {
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.resume();
  socket.write(end);
  socket.end(bytes);
  return new Promise((resolve) => {
    socket.once('finish', () => resolve(true));
    socket.once('close', () => resolve(false));
  });
}

it('forgets a peer that is reset while its password is being checked, however much is queued for it', async () => {
  const own = await startServer({ data: `${folder}/reset`, args });
  onTestFinished(async () => void (await own.kill()));
  const watcher = await TestClient.register(own.address, 'watcher');
  const victim = await TestClient.register(own.address, 'victim');
  const others = await Promise.all(Array.from({ length: 40 }, () => TestClient.connect(own.address)));
  await watcher.ok('join', '#r');
  await victim.ok('join', '#r');
  const check = (id: number): Buffer => encodeFrame(['password', id, 'wrong password', 'another password']);
  const leaves = (first: number): Buffer => frames(999, first, 'leave', '#nowhere');
  victim.answers.clear();
  victim.socket.write(Buffer.concat([leaves(10_000), check(1), leaves(20_000), check(2)]));
  // The second check waits behind these.
  for (const [i, other] of others.entries()) other.request('register', `user-${i}`, 'some password');
  await victim.until(() => victim.answers.size === 999 + 1 + 999, 'answers up to the second check');
  expect(victim.answers.has(2)).toBe(false);
  victim.socket.resetAndDestroy();
  const isOffline = async (): Promise<boolean> =>
    JSON.stringify(await watcher.ok('who', '#r')).includes('["victim",false]');
  await until('the victim to be offline', isOffline, { timeoutMs: 5_000 });
  const start = performance.now();
  expect((await own.stop()).code).toBe(0);
  expect(performance.now() - start).toBeLessThan(2_000);
});

it('checks no more passwords for a peer that has been reset', async () => {
  const peer = await TestClient.connect(server.address);
  await peer.ok('register', 'peer', 'secret of peer');
  const pair = [encodeFrame(['login', 2, 'peer', 'secret of peer']), encodeFrame(['logout', 3])];
  peer.socket.write(Buffer.concat(Array.from({ length: 400 }, () => pair).flat()));
  const login = /"login","connection":(\d+),"subject":"peer"/;
  const connection = await until('a login in the log', () => login.exec(server.stderr())?.[1]);
  peer.socket.resetAndDestroy();
  const closed = `"connection.closed","connection":${connection},`;
  await until('the end in the log', () => server.stderr().includes(closed), { timeoutMs: 2_000 });
  for (let i = 0; i < 10; i += 1) (await TestClient.login(server.address, 'ann')).close();
  const [, afterwards = ''] = server.stderr().split(closed);
  // One may have been in progress.
  expect(afterwards.split(`"login","connection":${connection},`).length - 1).toBeLessThan(2);
});

it('keeps a member who reads, even if one turn exceeds the send buffer', async () => {
  const member = await TestClient.register(server.address, 'member');
  const sender = await TestClient.register(server.address, 'sender');
  await member.ok('join', '#burst');
  await sender.ok('join', '#burst');
  // The registry cannot commit meanwhile, and then takes what has gathered as one batch.
  const lock = new DatabaseSync(`${server.data}/chat.db`);
  lock.exec('BEGIN IMMEDIATE');
  ann.request('send', 'ann', 'the registry waits with this');
  await ann.ok('ping');
  sender.socket.write(frames(999, 1_000, 'send', '#burst', 'x'.repeat(2_000)));
  await sender.ok('ping');
  lock.close();
  await member.until(() => member.isClosed || member.messages().length === 999, 'the burst');
  expect([member.messages().length, member.isClosed]).toEqual([999, false]);
});

it('lets others send while one client repeatedly joins and leaves', async () => {
  const mover = await TestClient.register(server.address, 'mover');
  mover.answers.clear();
  // More than it may send at once, so that it continues for some seconds.
  const pairs = Array.from({ length: 4_000 }, (_, i) => [
    encodeFrame(['join', 10_000 + i, '#door']),
    encodeFrame(['leave', 20_000 + i, '#door']),
  ]);
  mover.socket.write(Buffer.concat(pairs.flat()));
  await mover.until(() => mover.answers.size > 0, 'the first answer');
  for (let i = 0; i < 5; i += 1) await ann.ok('send', 'ann', `me too ${i}`);
  expect(mover.answers.size).toBeLessThan(8_000);
  await mover.until(() => mover.answers.size === 8_000, 'all answers');
  const refused = [...mover.answers.values()].filter(([type]) => type !== 'ok');
  expect(refused).toEqual([]);
});

describe('with so many guests online that a list of them is long', () => {
  beforeAll(async () => {
    for (let i = 0; i < GUESTS; i += 100) {
      await Promise.all(Array.from({ length: 100 }, (_, k) => comeAsGuest(i + k)));
    }
  });

  /** Guests do not log in in the order of their names. */
  async function comeAsGuest(i: number): Promise<void> {
    const client = await TestClient.connect(server.address);
    await client.ok('guest', `Guest-${(i * 7_919) % 10_007}-with-a-long-name`);
  }

  it('answers everyone who repeatedly asks for the list, and reads', async () => {
    const asker = await TestClient.register(server.address, 'reader');
    asker.answers.clear();
    asker.socket.write(frames(120, 1_000, 'who'));
    await asker.until(() => asker.isClosed || asker.answers.size === 120, 'the answers');
    expect([asker.answers.size, asker.isClosed]).toEqual([120, false]);
  });

  it('lets others send in the meantime', async () => {
    const askers = await Promise.all(['one', 'two'].map((name) => TestClient.register(server.address, name)));
    for (const asker of askers) asker.socket.write(frames(1_000, 1_000, 'who', null, 'zzz'));
    expect(await timed(ann, 'send', 'ann', 'me too')).toBeLessThan(500);
  });
});
