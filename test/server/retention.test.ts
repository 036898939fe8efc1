import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { TestClient } from '../support/client.ts';
import { testFolder } from '../support/folder.ts';
import { until } from '../support/process.ts';
import { startServer } from '../support/server.ts';

const folder = testFolder();
const DAY_MS = 24 * 60 * 60 * 1_000;

it('removes messages older than --keep, and nothing else', async () => {
  const data = `${folder}/keep`;
  const first = await startServer({ data });
  const ann = await TestClient.register(first.address, 'ann');
  await ann.ok('send', 'ann', 'today');
  await first.stop();
  const db = new DatabaseSync(`${data}/chat.db`);
  const old = db.prepare(
    'INSERT INTO entries (id, conversation, kind, account, text) SELECT ?, conversation, kind, account, ? FROM entries LIMIT 1',
  );
  db.exec('BEGIN');
  for (let i = 0; i < 3_000; i += 1) old.run((Date.now() - 2 * DAY_MS) * 1_000 + i, `old ${i}`);
  db.exec('COMMIT');
  const count = () => db.prepare('SELECT count(*) AS count FROM entries').get()?.count;
  expect(count()).toBe(3_001);
  const second = await startServer({ data, args: ['--keep', '1d'], env: { PARLEY_TEST_SETTLE_MS: '500' } });
  await until('old messages to be gone', () => count() === 1);
  const again = await TestClient.login(second.address, 'ann');
  expect(await again.ok('history', 'ann')).toMatchObject([[{ 4: 'today' }], null]);
  await second.stop();
  db.close();
});

it('keeps the write-ahead log small under constant reading', async () => {
  const data = `${folder}/wal`;
  const server = await startServer({ data, args: ['--commands-per-second', '0'] });
  const ann = await TestClient.register(server.address, 'ann');
  const reader = await TestClient.login(server.address, 'ann', undefined);
  let isDone = false;
  let pages = 0;
  const read = async (): Promise<void> => {
    for (let before: unknown = null; !isDone; pages += 1) {
      const page: unknown = await reader.ok('history', 'ann', before, 100);
      before = Array.isArray(page) ? page[1] : null;
    }
  };
  const reading = read();
  const text = 'x'.repeat(4_000);
  let largest = 0;
  for (let round = 0; round < 60; round += 1) {
    const requests = Array.from({ length: 500 }, () => ann.request('send', 'ann', text));
    await ann.answer(requests.at(-1) ?? 0);
    largest = Math.max(largest, statSync(`${data}/chat.db-wal`).size);
  }
  isDone = true;
  await reading;
  expect(pages).toBeGreaterThan(20);
  // 60 × 500 × 4 kB are 120 MB.
  expect(largest).toBeLessThan(100 * 1_024 * 1_024);
  await server.stop();
});
