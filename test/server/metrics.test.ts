import { expect, it, vi } from 'vitest';
import { crash } from '../../src/actors/kernel/fault-injection.ts';
import { TestClient } from '../support/client.ts';
import { testFolder } from '../support/folder.ts';
import { startServerHere } from '../support/in-process-server.ts';
import { until } from '../support/process.ts';

const folder = testFolder();

it('every thread of a server reports what it has done, and what is queued in it', async () => {
  const server = await startServerHere(`${folder}/told`, { workers: 2 });
  const ann = await TestClient.register(server.address, 'ann');
  await ann.ok('join', '#tea');
  for (let i = 0; i < 3; i += 1) await ann.ok('send', '#tea', `message ${i}`);
  await ann.ok('history', '#tea');

  const told = await server.metrics();
  expect(Object.keys(told).sort()).toEqual(['archive', 'auth', 'main', 'registry', 'shard-1', 'shard-2']);
  for (const metrics of Object.values(told)) {
    for (const value of Object.values(metrics)) expect(value).toBeGreaterThanOrEqual(0);
    expect(metrics.loopActiveMs).toBeGreaterThan(0);
    expect(metrics.heapBytes).toBeGreaterThan(1_000_000);
  }
  const { registry, auth, archive, 'shard-1': one, 'shard-2': other } = told;
  // A register, an attach, a live, a join and three sends.
  expect(registry).toMatchObject({ commands: 7, accountsOnline: 1, shards: 2, shardsBehind: 0 });
  expect(registry).toMatchObject({ batchesQueued: 0, commandsHeld: 0 });
  expect(auth).toMatchObject({ requests: 2, shards: 2, hashesRunning: 0, hashesWaiting: 0 });
  // What the session had missed was in the registry's memory.
  expect(archive).toMatchObject({ requests: 1 });
  const sum = (name: string): number => (one?.[name] ?? 0) + (other?.[name] ?? 0);
  expect([sum('connections'), sum('sessions'), sum('commands')]).toEqual([1, 1, 7]);
  // The join and the three messages.
  expect([sum('entries'), sum('unanswered'), sum('heldBack'), sum('resumesWaiting')]).toEqual([4, 0, 0, 0]);

  ann.close();
  await until('the end of the connection', async () => {
    const { 'shard-1': now, 'shard-2': then } = await server.metrics();
    return now?.connections === 0 && then?.connections === 0;
  });
  // From the second reading on, the loop delay has been measured for some time.
  await until('a measured delay', async () => Number((await server.metrics()).main?.loopDelayMaxMs) > 0);
});

it('a restarted thread counts from zero', async () => {
  vi.stubEnv('PARLEY_TEST_HOOKS', '1');
  const server = await startServerHere(`${folder}/died`);
  vi.unstubAllEnvs();
  const ann = await TestClient.register(server.address, 'ann');
  expect((await server.metrics()).auth?.requests).toBe(2);
  crash('auth', 'kill');
  await until('the death of the thread', async () => (await server.metrics()).auth?.requests !== 2);
  await until('the restart', async () => (await server.metrics()).auth !== undefined);
  expect((await server.metrics()).auth?.requests).toBe(0);
  expect(await ann.ok('who')).toEqual([[['ann', true]], null]);
});
