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
