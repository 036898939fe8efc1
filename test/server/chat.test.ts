import { describe, expect, it } from 'vitest';
import { TestClient } from '../support/client.ts';
import { sharedServer } from '../support/server-runs.ts';

describe.each([1, 3])('chat with %i workers', (workers) => {
  const server = sharedServer('--workers', String(workers));

  const register = (user: string): Promise<TestClient> => TestClient.register(server.address, user);

  it('sends nothing to a connection that has logged out, while another session of its account continues', async () => {
    const [kay, max] = [await register('kay'), await register('max')];
    const other = await TestClient.login(server.address, 'kay');
    for (const member of [kay, max]) await member.ok('join', '#later');
    await other.ok('logout');
    await max.ok('send', 'kay', 'to those who are in');
    await max.ok('send', '#later', 'to all members');
    await kay.until(() => kay.messages().length === 2, 'both messages');
    // The answer comes from the registry, after everything it has routed to that connection's shard.
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

  it('gives a name to exactly one of many', async () => {
    const clients = await Promise.all(Array.from({ length: 12 }, () => TestClient.connect(server.address)));
    const answers = await Promise.all(
      clients.map((client, i) => client.call('register', i % 2 ? 'Wanted' : 'wanted', `password ${i}`)),
    );
    expect(answers.filter((a) => a[0] === 'ok')).toHaveLength(1);
    expect(answers.filter((a) => a[2] === 'name_taken')).toHaveLength(11);
    const winner = answers.findIndex((a) => a[0] === 'ok');
    await clients[winner]?.ok('login', 'wanted', `password ${winner}`);
  });
});
