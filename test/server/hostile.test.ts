import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { encodeFrame } from '../../src/transport/codec.ts';
import { type Frame, TestClient } from '../support/client.ts';
import { testFolder } from '../support/folder.ts';
import { until } from '../support/process.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const folder = testFolder();
const args = ['--workers', '1', '--hash-workers', '1', '--guests'];
let server: RunningServer;
let ann: TestClient;

beforeAll(async () => {
  server = await startServer({ data: `${folder}/shared`, args });
  ann = await TestClient.register(server.address, 'ann');
});
afterAll(async () => {
  await server.stop();
});

/** `count` frames in one piece; their request ids begin at `first`. */
function frames(count: number, first: number, verb: string, ...values: unknown[]): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, i) => encodeFrame([verb, first + i, ...values])));
}

async function guest(name: string): Promise<TestClient> {
  const client = await TestClient.connect(server.address);
  await client.ok('guest', name);
  return client;
}

/** Milliseconds until the request is answered. */
async function timed(client: TestClient, verb: string, ...values: unknown[]): Promise<number> {
  const start = performance.now();
  await client.ok(verb, ...values);
  return performance.now() - start;
}

const GARBAGE = Buffer.from('garbage!');

it.each([
  ['quit', encodeFrame(['quit', 102]), ['ok', 102]],
  ['bad_frame', GARBAGE, ['error', null, 'bad_frame']],
])('answers what is owed to a peer that ends its half behind %s', async (code, last, lastAnswer) => {
  const client = await TestClient.login(server.address, 'ann');
  client.answers.clear();
  client.socket.end(Buffer.concat([encodeFrame(['send', 101, 'ann', 'a note']), last]));
  await client.closed();
  const answers = [...client.answers.values()].map((answer) => [answer[0], answer[1]]);
  expect(answers).toEqual([['ok', 101], lastAnswer.slice(0, 2)]);
  expect([...client.answers.values()].at(-1)?.slice(0, 3)).toEqual(lastAnswer);
  expect(client.events.at(-1)?.slice(0, 2)).toEqual(['bye', code]);
});

it.each([
  ['quit', encodeFrame(['quit', 1])],
  ['a bad frame', GARBAGE],
])('holds nobody up for a peer that goes on and on after %s', async (_, end) => {
  const blaster = connect(server.port, '127.0.0.1');
  const blasted = blast(blaster, end);
  let worst = 0;
  let isOver = false;
  void blasted.then(() => { isOver = true; });
  while (!isOver) worst = Math.max(worst, await timed(ann, 'ping'));
  console.log('worst ping', worst, (await blasted) / 2 ** 20);
  expect(worst).toBeLessThan(200);
});

/** Sends the last frame and then bytes for as long as the server takes them. Resolves with their number. */
function blast(socket: Socket, end: Buffer): Promise<number> {
  const bytes = Buffer.alloc(1 << 20, 'x');
  let sent = 0;
  socket.on('error', () => {});
  socket.write(end);
  const go = (): void => {
    do sent += bytes.length;
    while (socket.write(bytes));
    socket.once('drain', go);
  };
  go();
  return new Promise((resolve) => socket.once('close', () => resolve(sent)));
}

it('forgets a peer that is reset while its password is being checked, however much waits for it', async () => {
  const own = await startServer({ data: `${folder}/reset`, args });
  const watcher = await TestClient.register(own.address, 'watcher');
  const victim = await TestClient.register(own.address, 'victim');
  await watcher.ok('join', '#r');
  await victim.ok('join', '#r');
  victim.socket.write(frames(5_600, 1_000, 'leave', '#nowhere'));
  await victim.until(() => victim.answers.size >= 5_000, 'answers to the first burst');
  const others = await Promise.all(Array.from({ length: 100 }, () => TestClient.connect(own.address)));
  for (const [i, other] of others.entries()) other.request('register', `user-${i}`, 'some password');
  const change = encodeFrame(['password', 9, 'wrong password', 'another password']);
  const leaves = frames(900, 10_000, 'leave', '#nowhere');
  victim.socket.write(Buffer.concat([change, leaves, change, leaves, change, leaves]));
  await until('a wrong password', () => victim.answers.has(9) || victim.answers.size > 6_000);
  victim.socket.resetAndDestroy();
  await until('the victim to be offline', async () => isOffline(await watcher.ok('who', '#r'), 'victim'), {
    timeoutMs: 8_000,
  });
  const start = performance.now();
  expect((await own.stop()).code).toBe(0);
  expect(performance.now() - start).toBeLessThan(2_000);
});

function isOffline(page: unknown, user: string): boolean {
  return JSON.stringify(page).includes(JSON.stringify([user, false]));
}

it('stops checking passwords for a peer that has been reset', async () => {
  const peer = await TestClient.connect(server.address);
  await peer.ok('ping');
  const connection = [...server.stderr().matchAll(/"event":"connection.opened","connection":(\d+)/g)].at(-1)?.[1];
  const pair = Buffer.concat([encodeFrame(['login', 2, 'ann', 'secret of ann']), encodeFrame(['logout', 3])]);
  peer.socket.write(Buffer.concat(Array.from({ length: 400 }, () => pair)));
  await peer.answer(3);
  peer.socket.resetAndDestroy();
  const closed = `"event":"connection.closed","connection":${connection},`;
  await until('the end in the log', () => server.stderr().includes(closed), { timeoutMs: 2_000 });
  for (let i = 0; i < 10; i += 1) (await TestClient.login(server.address, 'ann')).close();
  const after = server.stderr().slice(server.stderr().indexOf(closed));
  // One may have been on its way.
  expect([...after.matchAll(new RegExp(`"event":"login","connection":${connection},`, 'g'))].length).toBeLessThan(2);
});

it('keeps a member who reads through a burst that is larger than what may wait for it', async () => {
  const member = await TestClient.register(server.address, 'member');
  const sender = await TestClient.register(server.address, 'sender');
  await member.ok('join', '#burst');
  await sender.ok('join', '#burst');
  sender.socket.write(frames(1_000, 1_000, 'send', '#burst', 'x'.repeat(2_000)));
  await member.until(() => member.isClosed || member.messages().length === 1_000, 'the burst');
  expect([member.messages().length, member.isClosed]).toEqual([1_000, false]);
  member.close();
  sender.close();
});

it('answers a long list that is asked for again and again in one go', async () => {
  for (let i = 0; i < 400; i += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, k) => guest(`Guest-number-${i + k}-long-name`)));
  }
  const asker = await TestClient.register(server.address, 'asker');
  asker.socket.write(frames(120, 1_000, 'who'));
  await asker.until(() => asker.isClosed || asker.answers.size >= 122, 'the answers');
  expect([asker.answers.size, asker.isClosed]).toEqual([122, false]);
  asker.close();
});

it.each<readonly [string, Buffer, number]>([
  ['who', frames(1_000, 10_000, 'who', null, 'zzz'), 1_000],
  [
    'send and who',
    Buffer.concat(
      Array.from({ length: 500 }, (_, i) =>
        Buffer.concat([encodeFrame(['send', 10_000 + i, 'ann', 'x']), encodeFrame(['who', 20_000 + i, '#own', 'zzz'])]),
      ),
    ),
    1_000,
  ],
  [
    'join and leave',
    Buffer.concat(
      Array.from({ length: 500 }, (_, i) =>
        Buffer.concat([encodeFrame(['join', 10_000 + i, '#b']), encodeFrame(['leave', 20_000 + i, '#b'])]),
      ),
    ),
    1_000,
  ],
])('lets others send while one client asks a lot: %s', async (_, burst, count) => {
  const asker = await TestClient.register(server.address, `asker-${_.replaceAll(' ', '')}`);
  await asker.ok('join', '#own');
  asker.answers.clear();
  asker.socket.write(burst);
  await asker.until(() => asker.answers.size > 0, 'the first answer');
  const took = await timed(ann, 'send', 'ann', 'x');
  console.log(_, took);
  await asker.until(() => asker.answers.size >= count, 'all answers');
  expect(took).toBeLessThan(500);
});
