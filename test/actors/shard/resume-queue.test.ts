import { expect, it } from 'vitest';
import { ResumeQueue } from '../../../src/actors/shard/resume-queue.ts';
import { until } from '../../support/process.ts';

it('runs a limited number at a time, in order, even if earlier ones fail', async () => {
  const queue = new ResumeQueue();
  const started: number[] = [];
  const finish: Array<() => void> = [];
  let running = 0;
  let most = 0;
  const runs = Array.from({ length: 100 }, (_, n) =>
    queue.run(async () => {
      started.push(n);
      running += 1;
      most = Math.max(most, running);
      await new Promise<void>((resolve) => finish.push(resolve));
      running -= 1;
      if (n % 3 === 0) throw new Error('failed');
    }),
  );
  const settled = Promise.allSettled(runs);
  await until('the first runs', () => (started.length === 16 ? true : undefined));
  expect(queue.length).toBe(84);
  for (let n = 0; n < 100; n += 1) {
    await until(`the start of run ${n}`, () => (finish.length > n ? true : undefined));
    finish[n]?.();
  }
  const outcomes = await settled;
  expect(started).toEqual(Array.from({ length: 100 }, (_, n) => n));
  expect(most).toBe(16);
  expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(34);
  let hasRun = false;
  await queue.run(async () => {
    hasRun = true;
  });
  expect(hasRun).toBe(true);
});

it('stops waiting for runs that take too long', async () => {
  const queue = new ResumeQueue();
  const stuck = Array.from({ length: 16 }, () => queue.run(() => new Promise(() => {})));
  let hasRun = false;
  await queue.run(async () => {
    hasRun = true;
  });
  expect([hasRun, stuck.length]).toEqual([true, 16]);
});
