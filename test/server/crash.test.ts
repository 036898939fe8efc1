import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestClient } from '../support/client.ts';
import { newPaths } from '../support/folder.ts';
import { until } from '../support/process.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const newFolder = newPaths();
let server: RunningServer;

beforeEach(async () => {
  server = await startServer({ data: newFolder(), args: ['--workers', '3', '--guests'] });
});
afterEach(async () => {
  await server.stop();
});

/** Reconnects until a suitable shard serves the connection. */
async function loginUntil(fits: (shard: string) => boolean, user: string): Promise<[TestClient, string]> {
  for (;;) {
    const before = loginsOf(user).length;
    const client = await TestClient.login(server.address, user);
    const shard = await until('the login in the log', () => loginsOf(user)[before]);
    if (fits(shard)) return [client, shard];
    await client.ok('quit');
    await client.closed();
  }
}

/** The shards of the user's logins, oldest first. */
function loginsOf(user: string): string[] {
  const login = new RegExp(`"thread":"(shard-\\d)","event":"login".*"subject":"${user}"`, 'g');
  return [...server.stderr().matchAll(login)].map((match) => match[1] ?? '');
}

function restarted(thread: string): Promise<number> {
  return until(`${thread} to be restarted`, () => {
    const match = new RegExp(`"thread.restarted".*"child":"${thread}","afterMs":(\\d+)`).exec(
      server.stderr(),
    );
    return match === null ? undefined : Number(match[1]);
  });
}

describe('a thread that dies', () => {
  it('registry: within a second, nothing acknowledged is lost or repeated, and every connection stays', async () => {
    const names = ['ann', 'ben', 'cat', 'dan'];
    const clients = await Promise.all(names.map((name) => TestClient.register(server.address, name)));
    for (const client of clients) await client.ok('join', '#r');
    const perClient = 400;
    const sent = clients.map(async (client, c) => {
      const answers: unknown[] = [];
      for (let i = 0; i < perClient; i += 10) {
        const ids = Array.from({ length: 10 }, (_, n) => client.request('send', '#r', `${c}/${i + n}`));
        for (const id of ids) answers.push((await client.answer(id))[0]);
        if (c === 0 && i === 100) server.crash('registry');
      }
      return answers;
    });
    const answers = (await Promise.all(sent)).flat();
    expect(await restarted('registry')).toBeLessThan(5_000);
    expect(answers.every((answer) => answer === 'ok')).toBe(true);
    for (const [c, client] of clients.entries()) {
      const expected = (names.length - 1) * perClient;
      await client.until(() => client.messages().length >= expected, `${expected} messages`);
      const texts = client.messages().map((m) => String(m[5]));
      expect(new Set(texts).size).toBe(expected);
      expect(texts).toHaveLength(expected);
      for (const other of names.keys()) {
        const from = texts
          .filter((text) => text.startsWith(`${other}/`))
          .map((text) => Number(text.split('/')[1]));
        if (other !== c) expect(from).toEqual(Array.from({ length: perClient }, (_, i) => i));
      }
      const ids = client.messages().map((m) => Number(m[1]));
      expect(ids).toEqual([...ids].sort((a, b) => a - b));
    }
  });

  it('registry: pending joins, leaves and logins are answered once it is back', async () => {
    const ann = await TestClient.register(server.address, 'ann');
    const ben = await TestClient.register(server.address, 'ben');
    await ann.ok('join', '#left');
    server.crash('registry');
    const asked = [
      ann.request('join', '#new'),
      ann.request('send', '#new', 'hello'),
      ann.request('leave', '#left'),
      ann.request('who', '#new'),
    ];
    const late = TestClient.login(server.address, 'ben');
    for (const id of asked) expect((await ann.answer(id))[0]).toBe('ok');
    await late;
    await ben.ok('join', '#new');
    await ann.event('joined', (e) => e[4] === 'ben');
    expect(await ann.refused('send', '#left', 'still?')).toBe('no_such_room');
  });

  it('auth: chat continues, and logins and registrations work again within a second', async () => {
    const ann = await TestClient.register(server.address, 'ann');
    const guest = await TestClient.connect(server.address);
    await guest.ok('guest', 'visitor');
    server.crash('auth');
    await ann.ok('send', 'ann', 'note');
    expect(await restarted('auth')).toBeLessThan(5_000);
    const back = await TestClient.login(server.address, 'ann');
    await back.ok('ping');
    await TestClient.register(server.address, 'ben');
    const thief = await TestClient.connect(server.address);
    expect(await thief.refused('guest', 'visitor')).toBe('name_taken');
    expect(await thief.refused('register', 'Visitor', 'a password')).toBe('name_taken');
  });

  it('shard: its clients are disconnected and can return, all others stay', async () => {
    for (const name of ['ann', 'ben']) {
      const client = await TestClient.connect(server.address);
      await client.ok('register', name, `secret of ${name}`);
    }
    const [ann, shard] = await loginUntil(() => true, 'ann');
    const [ben] = await loginUntil((other) => other !== shard, 'ben');
    await ann.ok('join', '#r');
    await ben.ok('join', '#r');
    server.crash(shard);
    await ann.closed();
    await ben.ok('send', '#r', 'I am still here');
    expect(await restarted(shard)).toBeLessThan(5_000);
    const back = await TestClient.login(server.address, 'ann');
    await ben.ok('send', 'ann', 'welcome back');
    await back.event('message', (e) => e[5] === 'welcome back');
    expect(ben.isClosed).toBe(false);
  });

  it('shard: its guests are gone, and their names are free', async () => {
    const guest = await TestClient.connect(server.address);
    await guest.ok('guest', 'visitor');
    await guest.ok('join', '#r');
    const member = await TestClient.register(server.address, 'ann');
    await member.ok('join', '#r');
    const shard = /"thread":"(shard-\d)","event":"guest"/.exec(server.stderr())?.[1] ?? '';
    server.crash(shard);
    await guest.closed();
    await restarted(shard);
    const next = await TestClient.connect(server.address);
    await next.ok('guest', 'visitor');
    expect(await next.refused('send', '#r', 'not my room')).toBe('not_a_member');
  });

  it('archive: pending replays wait for it, and chat continues', async () => {
    const ann = await TestClient.register(server.address, 'ann');
    const bob = await TestClient.register(server.address, 'bob');
    bob.close();
    const count = 3_000;
    const last = Array.from({ length: count }, (_, i) =>
      ann.request('send', 'bob', `${i} ${'x'.repeat(1_000)}`),
    ).at(-1);
    await ann.answer(last ?? 0);
    const again = await TestClient.connect(server.address);
    await again.ok('login', 'bob', 'secret of bob', 0);
    await again.event('message');
    server.crash('archive');
    await ann.ok('send', 'bob', 'meanwhile');
    await again.event('live');
    const texts = again.messages().map((e) => String(e[5]).split(' ')[0]);
    expect(texts).toEqual([...Array.from({ length: count }, (_, i) => `${i}`), 'meanwhile']);
    await restarted('archive');
    expect(await again.ok('history', 'ann', null, 1)).toMatchObject([[{ 4: 'meanwhile' }], {}]);
  });

  it('again and again: the server gives up with exit code 1 rather than pretend', async () => {
    const { child } = server;
    const crash = (): boolean => {
      if (child.connected) server.crash('auth');
      return child.exitCode !== null;
    };
    await until('the end of the server', crash);
    expect(child.exitCode).toBe(1);
    expect(server.stderr()).toContain('parley: the server cannot continue');
  });
});
