import { expect, it } from 'vitest';
import { TestClient } from '../support/client.ts';
import { until } from '../support/process.ts';
import { sharedServer } from '../support/server-runs.ts';

const server = sharedServer('--workers', '2', '--commands-per-second', '0');

/** A client that logs in with `lastId`, and is live. */
async function comeBack(user: string, lastId: unknown): Promise<TestClient> {
  const client = await TestClient.connect(server.address);
  await client.ok('login', user, `secret of ${user}`, lastId);
  await client.event('live');
  return client;
}

it('replays more than memory holds, at the pace of the reader, while more arrives', async () => {
  const [ann, bob] = [
    await TestClient.register(server.address, 'ann'),
    await TestClient.register(server.address, 'bob'),
  ];
  for (const client of [ann, bob]) await client.ok('join', '#room');
  bob.close();
  const count = 20_000;
  const filler = 'x'.repeat(100);
  const requests = Array.from({ length: count }, (_, i) => ann.request('send', '#room', `${i} ${filler}`));
  await ann.answer(requests[count / 2] ?? 0);
  const again = await comeBack('bob', 0);
  await again.until(() => again.messages().length >= count, 'all messages', 30_000);
  const numbers = again.messages().map((e) => Number(String(e[5]).split(' ')[0]));
  expect(numbers).toEqual(Array.from({ length: count }, (_, i) => i));
});

it('tells an author who was away what has been shown meanwhile', async () => {
  const [cat, dan] = [
    await TestClient.register(server.address, 'cat'),
    await TestClient.register(server.address, 'dan'),
  ];
  const sent = await cat.ok('send', 'dan', 'hello');
  const id: unknown = Array.isArray(sent) ? sent[0] : undefined;
  await cat.ok('quit');
  await cat.closed();
  await until('cat to be away', async () => !JSON.stringify(await dan.ok('who')).includes('"cat"'));
  await dan.ok('seen', id);
  const again = await comeBack('cat', id);
  expect(await again.event('delivered')).toEqual(['delivered', id]);
});
