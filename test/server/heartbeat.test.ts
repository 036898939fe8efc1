/**
 * Clients that promise a heartbeat: only their silence means anything. Behind a proxy nothing else reveals that they
 * are gone.
 */

import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestClient } from '../support/client.ts';
import { testFolder } from '../support/folder.ts';
import { until } from '../support/process.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const folder = testFolder();
const HEARTBEAT_MS = 2_000;
let server: RunningServer;

beforeAll(async () => {
  server = await startServer({ data: folder, args: ['--guests', '--workers', '1'] });
});
afterAll(() => server.stop());

async function guest(name: string, ...hellos: object[]): Promise<TestClient> {
  const client = await TestClient.connect(server.address);
  for (const hello of hellos) await client.ok('hello', hello);
  await client.ok('guest', name);
  await client.event('live');
  return client;
}

it('closes only the connection of a silent client that promised one, and frees its name', async () => {
  const heartbeat = HEARTBEAT_MS;
  const silent = await guest('silent', { heartbeat });
  const others = [
    await guest('promised-nothing'),
    await guest('promised-more', { heartbeat: 60_000 }),
    await guest('took-it-back', { heartbeat }, { version: 1 }),
  ];
  const heard = await guest('heard', { heartbeat });
  const beating = setInterval(() => heard.request('ping'), HEARTBEAT_MS / 8);
  try {
    await silent.closed();
    expect(silent.events.at(-1)?.slice(0, 2)).toEqual(['bye', 'silent']);
    expect([heard, ...others].map(({ isClosed }) => isClosed)).toEqual([false, false, false, false]);
    await until('the reason to be logged', () => /"connection.closing".*"silent"/.test(server.stderr()));
    const next = await TestClient.connect(server.address);
    await until('the name to be free', async () => (await next.call('guest', 'silent'))[0] === 'ok');
    next.close();
  } finally {
    clearInterval(beating);
    for (const client of [heard, ...others]) client.close();
  }
});
