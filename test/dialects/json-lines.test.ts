/** A second dialect beside the native one, on a server with real threads and sockets. */

import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { crash } from '../../src/actors/kernel/fault-injection.ts';
import type { Server } from '../../src/server/server.ts';
import { type ClientLanguage, TestClient } from '../support/client.ts';
import { testFolder } from '../support/folder.ts';
import { startServerHere } from '../support/in-process-server.ts';
import { until } from '../support/process.ts';

const folder = testFolder();
const DIALECT = new URL('./json-lines.ts', import.meta.url).href;
let servers = 0;
let server: Server;
let jsonAddress: string;

const JSON_LINES: ClientLanguage = {
  encode: (frame) => Buffer.from(`${JSON.stringify(frame)}\n`),
  reader(take) {
    let rest = '';
    return (chunk) => {
      const lines = (rest + chunk.toString('utf8')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) take(JSON.parse(line));
    };
  },
};

beforeEach(async () => {
  servers += 1;
  server = await startServerHere(`${folder}/${servers}`, {
    workers: 2,
    listeners: [{ port: 0, dialect: DIALECT }],
  });
  jsonAddress = `127.0.0.1:${server.ports[1]}`;
});

/** A client of the dialect that is logged in and live. */
async function enter(user: string, ...login: unknown[]): Promise<TestClient> {
  const client = await TestClient.connect(jsonAddress, undefined, JSON_LINES);
  const [verb, ...values] = login.length === 0 ? ['register', user, `secret of ${user}`] : login;
  await client.ok(String(verb), ...values);
  if (login.length === 0) await client.ok('login', user, `secret of ${user}`);
  await client.event('live');
  return client;
}

function idOf(result: unknown): number {
  return Array.isArray(result) ? Number(result[0]) : Number.NaN;
}

function tokenOf(result: unknown): string {
  return typeof result === 'object' && result !== null && 'token' in result ? String(result.token) : '';
}

it('chats with native clients, in rooms and in private, in both directions', async () => {
  const ann = await TestClient.register(server.address, 'ann');
  const ben = await enter('ben');
  const cat = await enter('cat');
  await ann.ok('join', '#tea');
  const joined = idOf(await ben.ok('join', '#tea'));
  expect(await ann.event('joined')).toEqual(['joined', joined, expect.any(Number), '#tea', 'ben']);
  await cat.ok('join', '#tea');

  const text = 'from a native client: ä\n"€" 😀';
  const id = idOf(await ann.ok('send', '#tea', text));
  for (const client of [ben, cat]) {
    expect(await client.event('message')).toEqual(['message', id, expect.any(Number), 'ann', '#tea', text]);
  }
  await ben.ok('send', '#tea', 'from the other dialect');
  await ann.event('message', (message) => message[5] === 'from the other dialect');
  await cat.event('message', (message) => message[5] === 'from the other dialect');
  await ben.ok('send', 'ann', 'to ann alone');
  await ann.event('message', (message) => message[5] === 'to ann alone');
  await ann.ok('send', 'ben', 'to ben alone');
  await ben.event('message', (message) => message[5] === 'to ben alone');
  expect(cat.messages().map((message) => message[5])).toEqual([text, 'from the other dialect']);
  expect(await cat.ok('who', '#tea')).toEqual(await ann.ok('who', '#tea'));
});

it("includes the key on the author's other connections, in either dialect", async () => {
  const ann = await TestClient.register(server.address, 'ann');
  const other = await enter('ann', 'login', 'ann', 'secret of ann');
  await ann.ok('join', '#tea');
  await ann.ok('send', '#tea', 'one', 'key 1');
  expect((await other.event('message')).slice(3)).toEqual(['ann', '#tea', 'one', 'key 1']);
  await other.ok('send', 'ann', 'two', 'key 2');
  expect((await ann.event('message')).slice(3)).toEqual(['ann', 'ann', 'two', 'key 2']);
});

it.each([
  ['from the memory of the registry', false, 3, 10],
  // More than fits into one step, so pages come from the archive.
  ['from the archive', true, 60, 2_000],
])(
  'replays what a reconnecting client has missed, %s, then delivers new messages',
  async (_, isLong, missed, size) => {
    const ann = await TestClient.register(server.address, 'ann');
    await ann.ok('join', '#tea');
    const ben = await TestClient.connect(jsonAddress, undefined, JSON_LINES);
    await ben.ok('register', 'ben', 'secret of ben');
    const token = tokenOf(await ben.ok('login', 'ben', 'secret of ben'));
    await ben.ok('join', '#tea');
    const last = idOf(await ann.ok('send', '#tea', 'before'));
    await ben.event('message');
    ben.close();
    const texts = Array.from({ length: missed }, (_, i) => `${i} `.padEnd(size, 'ä'));
    for (const text of texts) await ann.ok('send', '#tea', text);

    const again = await enter('ben', 'resume', 'ben', token, last);
    await ann.ok('send', '#tea', 'after');
    await again.event('message', (message) => message[5] === 'after');
    expect(again.messages().map((message) => message[5])).toEqual([...texts, 'after']);
    const live = again.events.findIndex(([name]) => name === 'live');
    expect(again.events.slice(0, live).filter(([name]) => name === 'message')).toHaveLength(missed);
    expect(Number((await server.metrics()).archive?.requests) > 0).toBe(isLong);
  },
);

it('answers history and search with the same pages as in the native dialect', async () => {
  const ann = await TestClient.register(server.address, 'ann');
  await ann.ok('join', '#tea');
  for (const text of ['green tea', 'black tea', 'coffee']) await ann.ok('send', '#tea', text);
  const other = await enter('ann', 'login', 'ann', 'secret of ann');
  const page = await other.ok('history', '#tea');
  expect(page).toEqual(await ann.ok('history', '#tea'));
  expect(JSON.stringify(page)).toContain('black tea');
  expect(await other.ok('search', 'tea')).toEqual(await ann.ok('search', 'tea'));
});

it('listens on the ports of all dialects again when a shard has been restarted', async () => {
  vi.stubEnv('PARLEY_TEST_HOOKS', '1');
  onTestFinished(() => void vi.unstubAllEnvs());
  const alone = await startServerHere(`${folder}/restarted`, { listeners: [{ port: 0, dialect: DIALECT }] });
  const [native, json] = alone.ports.map((port) => `127.0.0.1:${port}`);
  const ann = await TestClient.connect(String(json), undefined, JSON_LINES);
  await ann.ok('ping');
  expect(crash('shard-1', 'kill')).toBe(true);
  await ann.closed();
  for (const [address, language] of [
    [native, undefined],
    [json, JSON_LINES],
  ] as const) {
    const client = await until('the port', () =>
      TestClient.connect(String(address), undefined, language).catch(() => undefined),
    );
    await client.ok('ping');
  }
});

it('refuses malformed requests, ends a connection that exceeds the limit, and sends farewells', async () => {
  const ann = await TestClient.connect(jsonAddress, undefined, JSON_LINES);
  ann.socket.write('this is not JSON\n{"nor": "an array"}\n');
  await ann.ok('ping');
  expect(ann.answers.get(null)).toEqual(['error', null, 'malformed', expect.any(String)]);
  expect(await ann.refused('join', '#tea')).toBe('not_logged_in');
  const ben = await enter('ben');
  expect(await ben.refused('send', '#tea', 'hi')).toBe('no_such_room');
  ann.socket.write('x'.repeat(10_000));
  expect(await ann.event('bye')).toEqual(['bye', 'bad_frame', expect.any(String)]);
  await ann.closed();
  await ben.ok('quit');
  expect(await ben.event('bye')).toEqual(['bye', 'quit', expect.any(String)]);
  await ben.closed();
});
