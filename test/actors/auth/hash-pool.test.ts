import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { CRASHES, type Crash, crash } from '../../../src/actors/kernel/fault-injection.ts';
import { startThread, type Thread } from '../../../src/actors/kernel/thread.ts';
import type { PoolApi } from '../../fixtures/pool.worker.ts';

const file = new URL('../../fixtures/pool.worker.ts', import.meta.url);
/** Hash threads use what others leave, which is little on a busy machine. */
const PATIENCE_MS = 25_000;

afterEach(() => {
  vi.unstubAllEnvs();
});

async function start(threads: number, env: Record<string, string> = {}): Promise<Thread<PoolApi>> {
  for (const [name, value] of Object.entries({ PARLEY_TEST_HOOKS: '1', ...env })) vi.stubEnv(name, value);
  const started = await startThread<PoolApi>('pool', file, { threads });
  if (started.type === 'failed') throw started.error;
  onTestFinished(() => started.thread.kill());
  return started.thread;
}

/** The result of a call that must succeed. */
async function answered<T>(
  call: Promise<{ readonly type: 'answered'; readonly value: T } | { readonly type: 'timed_out' | 'gone' }>,
): Promise<T> {
  const outcome = await call;
  if (outcome.type !== 'answered') throw new Error(`the pool's thread did not answer: ${outcome.type}`);
  return outcome.value;
}

describe('the hash pool', () => {
  it('hashes, and recognises the right password', async () => {
    const pool = await start(1);
    const hashed = await answered(pool.call((api) => api.hash('a password')));
    if (hashed.type !== 'done') throw new Error(hashed.type);
    expect(hashed.value).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(await answered(pool.call((api) => api.verify('a password', hashed.value)))).toEqual({
      type: 'done',
      value: true,
    });
    for (const [password, hash] of [
      ['A password', hashed.value],
      ['a password', 'not a hash'],
    ] as const) {
      const outcome = await answered(pool.call((api) => api.verify(password, hash)));
      expect(outcome).toEqual({ type: 'done', value: false });
    }
  });

  it('serves tasks first come, first served', async () => {
    const pool = await start(1);
    const { kinds, order } = await answered(pool.call((api) => api.storm(24), PATIENCE_MS));
    expect(new Set(kinds)).toEqual(new Set(['done']));
    expect(order).toEqual(Array.from({ length: 24 }, (_, i) => i));
  });

  it('is busy at once when its queue is full', async () => {
    const pool = await start(1);
    const storm = answered(pool.call((api) => api.storm(140), PATIENCE_MS));
    await answered(pool.call((api) => api.close()));
    const { kinds, order } = await storm;
    expect(kinds.indexOf('busy')).toBe(129);
    expect(kinds.filter((kind) => kind === 'busy')).toHaveLength(11);
    expect(order.slice(0, 11).every((i) => i >= 129)).toBe(true);
  });

  const EXPECTED: Record<Crash, RegExp> = {
    kill: /took longer than/,
    throw: /thrown on purpose/,
    exit: /exited with code: 3/,
    oom: /memory limit/,
    spin: /took longer than 4500 ms/,
  };
  /** Only for finding a thread that never answers: on a busy machine the others may be late. */
  const SETTINGS: Record<Crash, Record<string, string>> = {
    kill: {},
    throw: {},
    exit: {},
    oom: { PARLEY_TEST_HEAP_MB: '32' },
    spin: { PARLEY_TEST_WATCHDOG_MS: '1500' },
  };

  it.each(CRASHES.flatMap((how) => [1, 2].map((threads) => [how, threads] as const)))(
    '%s, of %i threads: the task fails, those that wait do not, and the pool goes on',
    async (how, threads) => {
      const pool = await start(threads, SETTINGS[how]);
      for (let round = 1; round <= 2; round += 1) {
        await answered(pool.call((api) => api.storm(threads), PATIENCE_MS));
        expect(crash('pool', how, 'hash')).toBe(true);
        const { kinds } = await answered(pool.call((api) => api.storm(6), PATIENCE_MS));
        expect(kinds).toEqual(['failed', ...Array(5).fill('done')]);
        const warnings = await answered(pool.call((api) => api.warnings()));
        expect(warnings).toHaveLength(round);
        expect(warnings.at(-1)).toMatch(EXPECTED[how]);
      }
    },
  );

  it('settles running and waiting tasks when it is closed, and starts no more threads', async () => {
    const pool = await start(1);
    const storm = answered(pool.call((api) => api.storm(20), PATIENCE_MS));
    await answered(pool.call((api) => api.close()));
    expect((await storm).kinds).toEqual(Array(20).fill('failed'));
    expect(await answered(pool.call((api) => api.hash('late')))).toMatchObject({ type: 'failed' });
    expect(await answered(pool.call((api) => api.warnings()))).toEqual([]);
  });
});
