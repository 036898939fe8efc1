import { describe, expect, it } from 'vitest';
import { JUMP_MS, SETTLE_MS, SteadyClock } from '../../src/common/clock.ts';
import { TestClock } from '../support/clock.ts';

const DAY_MS = 86_400_000;

describe('a steady clock', () => {
  it('trusts the wall clock after it has kept pace for an hour', () => {
    const clock = new TestClock();
    const steady = new SteadyClock(clock);
    expect(steady.settled()).toBeUndefined();
    clock.pass(SETTLE_MS - 1);
    expect(steady.settled()).toBeUndefined();
    clock.pass(1);
    expect(steady.settled()).toBe(clock.wall());
  });

  it.each([30 * DAY_MS, -30 * DAY_MS, 2 * JUMP_MS])(
    'reports a jump of %d ms once, and waits again',
    (jump) => {
      const clock = new TestClock();
      const steady = new SteadyClock(clock);
      clock.pass(SETTLE_MS);
      expect(steady.check()).toBeUndefined();
      clock.set(jump);
      // Nobody has checked since, and even this reading is not trusted.
      expect(steady.settled()).toBeUndefined();
      expect(steady.check()).toBe(jump);
      for (let second = 0; second < 10; second += 1) {
        clock.pass(1_000);
        expect(steady.check()).toBeUndefined();
        expect(steady.settled()).toBeUndefined();
      }
      clock.set(-jump);
      expect(steady.check()).toBe(-jump);
      clock.pass(SETTLE_MS - 1);
      expect(steady.settled()).toBeUndefined();
      clock.pass(1);
      expect(steady.settled()).toBe(clock.wall());
    },
  );

  it('tolerates small corrections, but not a large sum of them', () => {
    const clock = new TestClock();
    const steady = new SteadyClock(clock);
    clock.pass(SETTLE_MS);
    clock.set(JUMP_MS / 2);
    expect([steady.check(), steady.settled()]).toEqual([undefined, clock.wall()]);
    clock.set(JUMP_MS / 2 + 1);
    expect([steady.check(), steady.settled()]).toEqual([JUMP_MS + 1, undefined]);
  });
});
