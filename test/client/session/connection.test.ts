import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { ReaderLink, type ToReader } from '../../../src/client/reader/reader-link.ts';
import { Connection } from '../../../src/client/session/connection.ts';
import { HEARTBEAT_MS, IDLE_MS, PING_MS, UNANSWERED_MS } from '../../../src/client/session/keepalive.ts';
import { PendingRequests } from '../../../src/client/session/requests.ts';
import { testFolder } from '../../support/folder.ts';
import { until } from '../../support/process.ts';
import { type Caller, type Script, ScriptedServer } from '../../support/scripted-server.ts';
import { startReader } from '../headless-client.ts';

const folder = testFolder();

// Fakes only the clock that the keepalive uses: sockets and ports keep the real one.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A connection that is logged in, with its reader in this thread. */
async function enter(script: Script) {
  const server = await ScriptedServer.start(script);
  const { readerLink, open } = await startReader(join(folder, `${server.port}.html`), false, (message) =>
    connection.receive(message),
  );
  open();
  const connection = new Connection({
    number: 1,
    address: { host: '127.0.0.1', port: server.port },
    credentials: { type: 'account', user: 'alice', password: 'secret of alice', register: false },
    readerLink,
    requests: new PendingRequests(),
  });
  onTestFinished(async () => {
    connection.close('the test is over');
    await connection.ended;
    await readerLink.close(1_000);
  });
  expect(await connection.logIn({ token: undefined, lastId: 0 })).toMatchObject({
    type: 'logged_in',
    user: 'alice',
  });
  // The seen id is reported at the next tick; the answer to a later request comes after the answer to it.
  await until('the display to have everything', () => readerLink.cursor > 0);
  vi.advanceTimersByTime(1_000);
  await server.asked('seen');
  await connection.request('who');
  return { server, connection, readerLink };
}

it('pings a server that does not answer, then counts it as lost, and settles its requests', async () => {
  const { server, connection } = await enter(({ verb }) => verb === 'rooms' || verb === 'ping');
  const rooms = connection.request('rooms');
  await server.asked('rooms');
  vi.advanceTimersByTime(UNANSWERED_MS + 1_000);
  await server.asked('ping');
  vi.advanceTimersByTime(PING_MS + 1_000);
  expect(await connection.ended).toBe('the server does not answer');
  expect(await rooms).toEqual({ type: 'lost' });
});

it('promises a heartbeat, and keeps it even while the server sends a lot', async () => {
  let caller: Caller | undefined;
  const { server } = await enter((request, from) => {
    caller = from;
    return request.verb === 'seen';
  });
  expect(server.requests.find(({ verb }) => verb === 'hello')?.values).toEqual([
    expect.objectContaining({ heartbeat: HEARTBEAT_MS }),
  ]);
  const heard = server.requests.length;
  for (let passed = 0; passed < HEARTBEAT_MS && server.requests.length === heard; passed += 1_000) {
    caller?.send(['online', 'bob']);
    vi.advanceTimersByTime(1_000);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await server.asked('ping');
});

it('does not mistake its own pause for silence of the server', async () => {
  const { connection, readerLink } = await enter(() => false);
  readerLink.hold('display');
  const rooms = connection.request('rooms');
  vi.advanceTimersByTime(10 * IDLE_MS);
  readerLink.release('display');
  expect(await rooms).toMatchObject({ type: 'ok' });
});

it('reports what has been seen: what is written, if that has advanced, once a second', async () => {
  let caller: Caller | undefined;
  const { server, connection, readerLink } = await enter((request, from) => {
    caller = from;
    return request.verb === 'nothing';
  });
  const seen = () => server.requests.filter(({ verb }) => verb === 'seen').map(({ values }) => values[0]);
  const second = async (): Promise<void> => {
    vi.advanceTimersByTime(1_000);
    await connection.request('who');
  };
  expect(seen()).toEqual([1]);
  await second();
  for (const id of [5, 6, 7]) caller?.send(['message', id, id, 'bob', 'alice', `message ${id}`]);
  await until('the messages to be written', () => readerLink.cursor === 7);
  expect(seen()).toEqual([1]);
  await second();
  expect(seen()).toEqual([1, 7]);
  await second();
  await second();
  expect(seen()).toEqual([1, 7]);
});

it('says why a connection cannot be made', async () => {
  const server = await ScriptedServer.start();
  const { port } = server;
  await server.stop();
  const { port1, port2 } = new MessageChannel();
  onTestFinished(() => port1.close());
  port2.on('message', (message: ToReader) => {
    if (message.type === 'end') port2.postMessage({ type: 'ended', connection: message.connection });
  });
  const connection = new Connection({
    number: 1,
    address: { host: '127.0.0.1', port },
    credentials: { type: 'guest', user: 'alice' },
    readerLink: new ReaderLink(port1, (message) => message.type === 'ended' && connection.receive(message)),
    requests: new PendingRequests(),
  });
  expect(await connection.logIn({ token: undefined, lastId: 0 })).toEqual({
    type: 'unavailable',
    text: `127.0.0.1:${port}: no server is listening there`,
  });
});
