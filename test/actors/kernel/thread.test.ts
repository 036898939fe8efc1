import { MessageChannel } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { callPort, handOver, startThread, type Thread } from '../../../src/actors/kernel/thread.ts';
import type { EchoApi } from '../../fixtures/echo.worker.ts';

const file = new URL('../../fixtures/echo.worker.ts', import.meta.url);

async function start(): Promise<Thread<EchoApi>> {
  const started = await startThread<EchoApi>('echo', file, {});
  if (started.type === 'failed') throw started.error;
  return started.thread;
}

describe('a thread', () => {
  it('answers calls', async () => {
    const thread = await start();
    const value = { list: [1, 'two', null], map: { a: 1 } };
    expect(await thread.call((api) => api.echo(value))).toEqual({ type: 'answered', value });
    await thread.kill();
  });

  it('rejects a call that throws on the other side, and continues', async () => {
    const thread = await start();
    await expect(thread.call((api) => api.fail())).rejects.toThrow('a bug over there');
    expect(await thread.call((api) => api.echo(1))).toEqual({ type: 'answered', value: 1 });
    await thread.kill();
  });

  it('settles a call that is never answered', async () => {
    const thread = await start();
    expect(await thread.call((api) => api.never(), 20)).toEqual({ type: 'timed_out' });
    await thread.kill();
  });

  it('settles every call when it dies, and every later one', async () => {
    const thread = await start();
    const calls = [1, 2, 3].map(() => thread.call((api) => api.never()));
    void thread.call((api) => api.die());
    expect(await Promise.all(calls)).toEqual([{ type: 'gone' }, { type: 'gone' }, { type: 'gone' }]);
    expect(await thread.call((api) => api.echo(1))).toEqual({ type: 'gone' });
    expect((await thread.exited).type).toBe('killed');
  });

  it('says why it died', async () => {
    const thread = await start();
    await thread.call((api) => api.crash());
    const reason = await thread.exited;
    expect(reason.type === 'failed' && reason.error.message).toBe('thrown outside of any call');
  });

  it('that does not start fails with the reason', async () => {
    const started = await startThread('echo', file, { refuse: true });
    expect(started.type === 'failed' && started.error.message).toBe('this thread does not want to start');
  });

  it('serves its own port, and settles calls when either side closes it', async () => {
    const thread = await start();
    const { port1, port2 } = new MessageChannel();
    await thread.call((api) => api.listen(handOver(port1)));
    const peer = callPort<{ double(n: number): number }>(port2);
    expect(await peer.call((api) => api.double(21))).toEqual({ type: 'answered', value: 42 });
    await thread.kill();
    expect(await peer.call((api) => api.double(1), 2_000)).toEqual({ type: 'gone' });
  });

  it('keeps answering after its caller’s garbage has been collected', async () => {
    const thread = await start();
    for (let round = 0; round < 5; round += 1) {
      for (let i = 0; i < 200; i += 1) await thread.call((api) => api.echo(Buffer.alloc(100_000)));
      expect(await thread.call((api) => api.echo(round))).toEqual({ type: 'answered', value: round });
    }
    await thread.kill();
  });
});
