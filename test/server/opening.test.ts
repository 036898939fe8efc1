import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { TestClient } from '../support/client.ts';
import { newPaths } from '../support/folder.ts';
import { closedPort } from '../support/listen.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const newFolder = newPaths();

async function start(port: number, workers: number): Promise<RunningServer> {
  const server = await startServer({
    data: newFolder(),
    args: ['--port', String(port), '--workers', String(workers)],
  });
  onTestFinished(async () => void (await server.kill()));
  return server;
}

/** Connects until it succeeds. Until then the only error may be ECONNREFUSED. */
async function knock(port: number): Promise<TestClient> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
      socket.once('connect', () => resolve(undefined));
      socket.once('error', resolve);
    });
    if (error === undefined) return new TestClient(socket);
    expect(error.code).toBe('ECONNREFUSED');
  }
}

describe('an accepted connection finds every thread working', () => {
  it.each([1, 1, 3, 3, 3])('at the start, with %i workers', async (workers) => {
    const port = await closedPort();
    const visits = Promise.all(
      ['ann', 'ben', 'cat', 'dan'].map(async (user) => {
        const client = await knock(port);
        await client.ok('register', user, `secret of ${user}`);
        await client.enter(user);
        expect(await client.ok('history', user)).toEqual([[], null]);
      }),
    );
    await Promise.all([start(port, workers), visits]);
  });

  it('when a shard is restarted together with the threads behind it', async () => {
    const server = await start(await closedPort(), 1);
    await TestClient.register(server.address, 'ann');
    // More than two deaths of one thread within five seconds end a server.
    for (const thread of ['auth', 'archive']) {
      const before = await TestClient.connect(server.address);
      server.crash('shard-1');
      server.crash(thread);
      await before.closed();
      const client = await knock(server.port);
      await client.enter('ann');
      expect(await client.ok('history', 'ann')).toEqual([[], null]);
      client.close();
    }
  });
});

it('gives a port shared by shards to only one of two servers', async () => {
  const port = await closedPort();
  const args = ['--port', String(port), '--workers', '2'];
  const starts = await Promise.allSettled([0, 1].map(() => startServer({ data: newFolder(), args })));
  const started = starts.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  for (const server of started) await server.stop();
  expect(started).toHaveLength(1);
});
