/** Clients that promise a heartbeat: the only ones whose silence means anything. Behind a proxy nothing else tells that they are gone. */

import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestClient } from '../support/client.ts';
import { testFolder } from '../support/folder.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const folder = testFolder();
const HEARTBEAT_MS = 1_000;
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

it('closes the connection of a client that promised one and is silent, frees its name, and no other', async () => {
  const heartbeat = HEARTBEAT_MS;
  const silent = await guest('silent', { heartbeat });
  const others = [
    await guest('promised-nothing'),
    await guest('promised-more', { heartbeat: 60_000 }),
    await guest('took-it-back', { heartbeat }, { version: 1 }),
  ];
  const heard = await guest('heard', { heartbeat });
  const beating = setInterval(() => heard.request('ping'), HEARTBEAT_MS / 4);
  try {
    await silent.closed();
    expect(silent.events.at(-1)?.slice(0, 2)).toEqual(['bye', 'silent']);
    expect([heard, ...others].map(({ isClosed }) => isClosed)).toEqual([false, false, false, false]);
    expect(server.stderr()).toMatch(/"connection.closing".*"silent"/);
    (await guest('silent')).close();
  } finally {
    clearInterval(beating);
    for (const client of [heard, ...others]) client.close();
  }
});
