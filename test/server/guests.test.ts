import { expect, it } from 'vitest';
import { encodeFrame } from '../../src/protocol/codec.ts';
import { TestClient } from '../support/client.ts';
import { until } from '../support/process.ts';
import { sharedServer } from '../support/server-runs.ts';

const server = sharedServer('--guests', '--workers', '2');

async function guest(name: string): Promise<TestClient> {
  const client = await TestClient.connect(server.address);
  await client.ok('guest', name);
  return client;
}

it('removes a guest from every room, whatever was pending at the disconnect', async () => {
  const ann = await TestClient.register(server.address, 'ann');
  await ann.ok('join', '#hall');
  for (let i = 0; i < 40; i += 1) {
    const visitor = await guest(`passer-by-${i}`);
    if (i % 2 === 0) await visitor.ok('join', '#hall');
    const last = encodeFrame([i % 2 === 0 ? 'leave' : 'join', 100, '#hall']);
    await new Promise((resolve) => visitor.socket.write(last, resolve));
    visitor.socket.resetAndDestroy();
  }
  const isAlone = async (): Promise<boolean> =>
    JSON.stringify(await ann.ok('who', '#hall')) === '[[["ann",true]],null]';
  await until('ann to be alone', isAlone);
  const moves = ann.events.filter((e) => e[3] === '#hall').map((e) => `${e[0]} ${e[4]}`);
  expect(moves.length).toBe(new Set(moves).size);
});
