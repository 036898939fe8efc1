import { expect, it } from 'vitest';
import { Entrance } from '../../../src/actors/shard/resume-queue.ts';
import { until } from '../../support/process.ts';

it('lets in some at a time, all in order, whatever becomes of those before', async () => {
  const entrance = new Entrance();
  const entered: number[] = [];
  const leave: Array<() => void> = [];
  let inside = 0;
  let most = 0;
  const passes = Array.from({ length: 100 }, (_, n) =>
    entrance.pass(async () => {
      entered.push(n);
      inside += 1;
      most = Math.max(most, inside);
      await new Promise<void>((resolve) => leave.push(resolve));
      inside -= 1;
      if (n % 3 === 0) throw new Error('failed inside');
    }),
  );
  const settled = Promise.allSettled(passes);
  await until('those who are let in at once', () => (entered.length === 16 ? true : undefined));
  for (let n = 0; n < 100; n += 1) {
    await until(`the turn of ${n}`, () => (leave.length > n ? true : undefined));
    leave[n]?.();
  }
  const outcomes = await settled;
  expect(entered).toEqual(Array.from({ length: 100 }, (_, n) => n));
  expect(most).toBe(16);
  expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(34);
  let isFree = false;
  await entrance.pass(async () => {
    isFree = true;
  });
  expect(isFree).toBe(true);
});

it('does not wait for those who do not come in', async () => {
  const entrance = new Entrance();
  const stuck = Array.from({ length: 16 }, () => entrance.pass(() => new Promise(() => {})));
  let isIn = false;
  await entrance.pass(async () => {
    isIn = true;
  });
  expect([isIn, stuck.length]).toEqual([true, 16]);
});
