import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeFrame } from '../../src/protocol/codec.ts';
import { TestClient } from '../support/client.ts';
import { testFolder } from '../support/folder.ts';
import { type RunningServer, startServer } from '../support/server.ts';

describe.each([1, 3])('chat with %i workers', (workers) => {
  const data = `${testFolder()}/data`;
  let server: RunningServer;

  beforeAll(async () => {
    server = await startServer({ data, args: ['--workers', String(workers)] });
  });
  afterAll(async () => {
    await server.stop();
  });

  const register = (user: string): Promise<TestClient> => TestClient.register(server.address, user);

  it('carries a message from one user to another, and tells the sender its id and time', async () => {
    const [ann, ben] = [await register('Ann'), await register('ben')];
    const before = Date.now();
    const [id, at] = (await ann.ok('send', 'BEN', 'good morning, ☕ at 9?')) as [number, number];
    expect(Math.floor(id / 1_000)).toBe(at);
    expect(at).toBeGreaterThanOrEqual(before);
    expect(await ben.event('message')).toEqual(['message', id, at, 'Ann', 'ben', 'good morning, ☕ at 9?']);
    expect(ann.messages()).toEqual([]);
  });

  it('gives nothing to a connection that has logged out, while another session of its account goes on', async () => {
    const [kay, max] = [await register('kay'), await register('max')];
    const other = await TestClient.login(server.address, 'kay');
    for (const member of [kay, max]) await member.ok('join', '#later');
    await other.ok('logout');
    await max.ok('send', 'kay', 'to those who are in');
    await max.ok('send', '#later', 'to all members');
    await kay.until(() => kay.messages().length === 2, 'both messages');
    // The answer comes from the registry, behind all that it has routed to that connection's shard.
    await other.ok('register', 'somebody', 'secret of somebody');
    expect(other.messages()).toEqual([]);
  });

  it('gives a room’s messages to all members in one order, and to nobody else', async () => {
    const names = ['r1', 'r2', 'r3', 'r4'];
    const clients = await Promise.all(names.map(register));
    const [first, ...others] = clients as [TestClient, ...TestClient[]];
    const outsider = await register('outsider');
    for (const client of clients) await client.ok('join', '#order');
    const last = clients.map((client, i) => {
      const ids = Array.from({ length: 100 }, (_, n) => client.request('send', '#order', `${i}/${n}`));
      return client.answer(ids.at(-1) ?? 0);
    });
    await Promise.all(last);
    const seen = (client: TestClient, but: number): unknown[] =>
      client
        .messages()
        .filter((m) => !String(m[5]).startsWith(`${but}/`))
        .map((m) => m[1]);
    for (const client of clients) await client.until(() => client.messages().length === 300, '300 messages');
    for (const [i, other] of others.entries()) {
      const both = [...new Set([0, i + 1])];
      const common = (client: TestClient): unknown[] =>
        client
          .messages()
          .filter((m) => both.every((b) => !String(m[5]).startsWith(`${b}/`)))
          .map((m) => m[1]);
      expect(common(first)).toEqual(common(other));
      expect(seen(other, i + 1)).toEqual([...seen(other, i + 1)].sort((a, b) => Number(a) - Number(b)));
    }
    expect(outsider.messages()).toEqual([]);
  });

  it('keeps the order of what came in one write: register, login, join, send, leave, send', async () => {
    const client = await TestClient.connect(server.address);
    const watcher = await register('watcher');
    await watcher.ok('join', '#pipe');
    const lines = [
      ['register', 1, 'piper', 'a good password'],
      ['login', 2, 'piper', 'a good password'],
      ['join', 3, '#pipe'],
      ['send', 4, '#pipe', 'first'],
      ['leave', 5, '#pipe'],
      ['send', 6, '#pipe', 'too late'],
      ['logout', 7],
      ['send', 8, 'watcher', 'nobody any more'],
      ['quit', 9],
    ];
    client.socket.write(Buffer.concat(lines.map(encodeFrame)));
    await client.closed();
    const codes = lines.map(([, id]) => client.answers.get(id)).map((a) => (a?.[0] === 'ok' ? 'ok' : a?.[2]));
    expect(codes).toEqual(['ok', 'ok', 'ok', 'ok', 'ok', 'not_a_member', 'ok', 'not_logged_in', 'ok']);
    await watcher.event('left', (e) => e[4] === 'piper');
    const about = watcher.events.filter(
      (e) => e.includes('piper') && e[0] !== 'online' && e[0] !== 'offline',
    );
    expect(about.map((e) => e[0])).toEqual(['joined', 'message', 'left']);
  });

  it('answers everything that came before a quit, or before a frame that cannot be trusted', async () => {
    const client = await register('quitter');
    const asked = [
      client.request('join', '#quit'),
      client.request('send', '#quit', 'x'),
      client.request('rooms'),
    ];
    const quit = client.request('quit');
    await client.closed();
    for (const id of [...asked, quit]) expect(client.answers.get(id)?.[0]).toBe('ok');
    const other = await TestClient.login(server.address, 'quitter');
    const sent = other.request('send', '#quit', 'y');
    other.socket.write('garbage!');
    await other.closed();
    expect(other.answers.get(sent)?.[0]).toBe('ok');
    expect(other.answers.get(null)?.[2]).toBe('bad_frame');
  });

  it('serves several sessions of one user, the sender’s other ones too', async () => {
    const phone = await register('twice');
    const laptop = await TestClient.login(server.address, 'twice');
    const friend = await register('friend');
    await friend.ok('send', 'twice', 'both of you');
    await phone.event('message');
    await laptop.event('message');
    const [id, at] = (await phone.ok('send', 'friend', 'from my phone', 'key-1')) as [number, number];
    expect(await laptop.event('message', (e) => e[3] === 'twice')).toEqual([
      'message',
      id,
      at,
      'twice',
      'friend',
      'from my phone',
      'key-1',
    ]);
    expect(await friend.event('message')).toEqual(['message', id, at, 'twice', 'friend', 'from my phone']);
    await phone.ok('join', '#shared');
    await laptop.event('joined', (e) => e[3] === '#shared');
    await friend.ok('join', '#shared');
    await friend.ok('send', '#shared', 'all sessions are members');
    await laptop.event('message', (e) => e[4] === '#shared');
    await laptop.ok('leave', '#shared');
    await phone.event('left', (e) => e[3] === '#shared' && e[4] === 'twice');
    expect(await phone.refused('send', '#shared', 'gone')).toBe('not_a_member');
  });

  it('takes a repeated send with the same key once, and refuses another message under that key', async () => {
    const [ann, ben] = [await register('keyann'), await register('keyben')];
    const ids = [1, 2, 3].map(() => ann.request('send', 'keyben', 'once', 'k'));
    const answers = await Promise.all(ids.map((id) => ann.answer(id)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer[2]))).size).toBe(1);
    expect(await ann.refused('send', 'keyben', 'other', 'k')).toBe('key_reused');
    await ann.ok('send', 'keyben', 'end');
    await ben.event('message', (e) => e[5] === 'end');
    expect(ben.messages().map((m) => m[5])).toEqual(['once', 'end']);
  });

  it('lists who is there, and the rooms, page by page', async () => {
    const clients = await Promise.all(['who1', 'who2', 'who3'].map(register));
    for (const client of clients) await client.ok('join', '#Who');
    clients[2]?.close();
    const [asker] = clients as [TestClient];
    const [users, next] = (await asker.ok('who', '#who')) as [Array<[string, boolean]>, string | null];
    expect(users.map(([name]) => name)).toEqual(['who1', 'who2', 'who3']);
    expect(next).toBeNull();
    const [behind] = (await asker.ok('who', '#who', 'WHO1')) as [Array<[string, boolean]>];
    expect(behind.map(([name]) => name)).toEqual(['who2', 'who3']);
    const [rooms] = (await asker.ok('rooms')) as [Array<[string, number]>];
    expect(rooms).toContainEqual(['#Who', 3]);
    const [online] = (await asker.ok('who')) as [Array<[string, boolean]>];
    expect(online).toContainEqual(['who1', true]);
  });

  it('tells members of a room who came online, once, and not who only came back', async () => {
    const ann = await register('preann');
    await ann.ok('join', '#presence');
    const name = await firstSeen(['preben', 'precora', 'predan'], async (candidate) => {
      const comer = await register(candidate);
      await comer.ok('join', '#presence');
      await ann.event('online', (e) => e[1] === candidate, 3_000);
      comer.close();
    });
    const again = await TestClient.login(server.address, name);
    await again.ok('send', '#presence', 'back');
    await ann.event('message', (e) => e[5] === 'back');
    expect(ann.events.filter((e) => e[1] === name).map((e) => e[0])).toEqual(['online']);
    expect(ann.events.filter((e) => e[1] === 'preann')).toEqual([]);
  });

  it('joins a room twice without an error, and names it as who came first spelled it', async () => {
    const ann = await register('joinann');
    const [id, [members]] = (await ann.ok('join', '#Twice')) as [number, [unknown[]]];
    expect(id).toBeGreaterThan(0);
    expect(members).toEqual([['joinann', true]]);
    expect(await ann.ok('join', '#TWICE')).toEqual([null, [[['joinann', true]], null]]);
    const ben = await register('joinben');
    await ben.ok('join', '#twice');
    expect((await ann.event('joined'))[3]).toBe('#Twice');
  });

  it('changes a password: the old one is dead, other sessions end, this one stays', async () => {
    const here = await register('changer');
    const there = await TestClient.login(server.address, 'changer');
    expect(await here.refused('password', 'not the old one', 'brand new one')).toBe('wrong_credentials');
    await here.ok('password', 'secret of changer', 'brand new one');
    await there.closed();
    expect(there.events.at(-1)?.slice(0, 2)).toEqual(['bye', 'password_changed']);
    await here.ok('ping');
    const fresh = await TestClient.connect(server.address);
    expect(await fresh.refused('login', 'changer', 'secret of changer')).toBe('wrong_credentials');
    await fresh.ok('login', 'changer', 'brand new one');
  });

  it('lets exactly one of many have a name', async () => {
    const clients = await Promise.all(Array.from({ length: 12 }, () => TestClient.connect(server.address)));
    const answers = await Promise.all(
      clients.map((client, i) => client.call('register', i % 2 ? 'Wanted' : 'wanted', `password ${i}`)),
    );
    expect(answers.filter((a) => a[0] === 'ok')).toHaveLength(1);
    expect(answers.filter((a) => a[2] === 'name_taken')).toHaveLength(11);
    const winner = answers.findIndex((a) => a[0] === 'ok');
    await clients[winner]?.ok('login', 'wanted', `password ${winner}`);
  });

  it('remembers accounts and rooms over a restart', async () => {
    const ann = await register('Stayer');
    await ann.ok('join', '#Stay');
    await server.stop();
    server = await startServer({ data, args: ['--workers', String(workers)] });
    const again = await TestClient.connect(server.address);
    expect(await again.ok('login', 'stayer', 'secret of Stayer')).toMatchObject({
      user: 'Stayer',
      rooms: ['#Stay'],
    });
    const other = await register('newcomer');
    await other.ok('join', '#stay');
    await other.ok('send', '#stay', 'still here?');
    await again.event('message', (e) => e[5] === 'still here?');
    await again.ok('send', 'ann', 'accounts are there too');
  });
});

/**
 * The first name with which it works. Who is online is told once a second, to those who share a room then: between a login
 * and a join there may be such a moment.
 */
async function firstSeen(names: readonly string[], tryOne: (name: string) => Promise<void>): Promise<string> {
  let failure: unknown;
  for (const name of names) {
    try {
      await tryOne(name);
      return name;
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}
