import { rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { TestClient } from '../support/client.ts';
import { testFolder } from '../support/folder.ts';
import { until } from '../support/process.ts';
import { startServer } from '../support/server.ts';
import { sharedServer } from '../support/server-runs.ts';

const folder = testFolder();
const server = sharedServer();

/** The texts found, with matches in brackets; and the rest of the page. */
async function search(
  client: TestClient,
  ...request: unknown[]
): Promise<{ texts: string[]; rest: unknown[] }> {
  const page: unknown = await client.ok('search', ...request);
  if (!Array.isArray(page)) throw new Error('no page');
  const [hits, ...rest]: unknown[] = page;
  if (!Array.isArray(hits)) throw new Error('no hits');
  const texts = hits.map((hit: readonly unknown[]) => {
    const snippet = hit[4];
    if (!Array.isArray(snippet)) throw new Error('no snippet');
    return snippet.map((piece, i) => (i % 2 === 1 ? `[${piece}]` : piece)).join('');
  });
  return { texts, rest };
}

describe('search', () => {
  it('fits into a frame, however much is found', async () => {
    const dan = await TestClient.register(server.address, 'dan');
    for (let i = 0; i < 500; i += 1) dan.request('send', 'dan', `ginger ${'ä'.repeat(150)} ${i}`);
    await dan.ok('ping');
    const { texts, rest } = await search(dan, 'ginger', null, null, 500);
    expect(texts.length).toBeGreaterThan(100);
    expect(typeof rest[0]).toBe('number');
  });

  it('rebuilds a damaged index', async () => {
    const data = `${folder}/damaged`;
    const first = await startServer({ data });
    const hal = await TestClient.register(first.address, 'hal');
    await hal.ok('send', 'hal', 'clove');
    expect((await search(hal, 'clove')).texts).toEqual(['[clove]']);
    await first.stop();
    for (const suffix of ['-wal', '-shm']) rmSync(`${data}/search.db${suffix}`, { force: true });
    writeFileSync(`${data}/search.db`, 'this is no database'.repeat(1_000));
    const second = await startServer({ data });
    const again = await TestClient.connect(second.address);
    await again.ok('login', 'hal', 'secret of hal', Number.MAX_SAFE_INTEGER);
    await until('the index', async () => (await search(again, 'clove')).texts.length === 1);
    await second.stop();
  });
});
