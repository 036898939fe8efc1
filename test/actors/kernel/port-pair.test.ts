import { expect, it } from 'vitest';
import { link, type PassPort } from '../../../src/actors/kernel/port-pair.ts';
import { startThread, type Thread } from '../../../src/actors/kernel/thread.ts';
import type { EchoApi } from '../../fixtures/echo.worker.ts';

const file = new URL('../../fixtures/echo.worker.ts', import.meta.url);

async function start(): Promise<Thread<EchoApi>> {
  const started = await startThread<EchoApi>('echo', file, {});
  if (started.type === 'failed') throw started.error;
  return started.thread;
}

const giveTo =
  (thread: Thread<EchoApi>): PassPort =>
  (port) =>
    thread.call((api) => api.listen(port));

it('links two threads, whichever of them dies meanwhile', async () => {
  const [one, other] = [await start(), await start()];
  const dying = await start();
  await link(async (port) => {
    const given = await giveTo(dying)(port);
    await dying.kill();
    // Its end of the channel is gone by now; the other end notices a turn later.
    await new Promise((resolve) => setTimeout(resolve, 50));
    return given;
  }, giveTo(other));
  await link(giveTo(dying), giveTo(other));
  await link(giveTo(other), giveTo(dying));
  await link(giveTo(one), giveTo(other));
  expect(await one.call((api) => api.echo(1))).toEqual({ type: 'answered', value: 1 });
  expect(await other.call((api) => api.echo(2))).toEqual({ type: 'answered', value: 2 });
  await Promise.all([one.kill(), other.kill()]);
});
