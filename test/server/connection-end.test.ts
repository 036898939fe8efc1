import { afterAll, beforeAll, expect, it } from 'vitest';
import { encodeFrame } from '../../src/protocol/codec.ts';
import { TestClient } from '../support/client.ts';
import { testFolder } from '../support/folder.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const data = `${testFolder()}/data`;
let server: RunningServer;
let ann: TestClient;
let ben: TestClient;

beforeAll(async () => {
  server = await startServer({ data, args: ['--workers', '2'] });
  ann = await TestClient.register(server.address, 'ann');
  ben = await TestClient.register(server.address, 'ben');
});
afterAll(async () => {
  await server.stop();
});

it('answers what was asked before the peer closed its half', async () => {
  const client = await TestClient.connect(server.address);
  client.socket.end(
    Buffer.concat([
      encodeFrame(['login', 1, 'ben', 'secret of ben']),
      encodeFrame(['send', 2, 'ann', 'bye']),
    ]),
  );
  await client.closed();
  expect(client.answers.get(2)?.[0]).toBe('ok');
});

it('closes a connection that reads too slowly, and keeps everybody else', async () => {
  const slow = await TestClient.login(server.address, 'ben');
  slow.socket.pause();
  const text = 'x'.repeat(8_000);
  let closed = false;
  for (let i = 0; i < 200 && !closed; i += 1) {
    await Promise.all(Array.from({ length: 20 }, () => ann.ok('send', 'ben', text)));
    closed = server.stderr().includes('"too_slow"');
  }
  expect(closed).toBe(true);
  await ann.ok('ping');
  expect(ben.isClosed).toBe(false);
  slow.socket.resume();
  await slow.closed();
});
