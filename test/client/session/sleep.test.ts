import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { afterDelayOrWake } from '../../../src/client/session/sleep.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('waits for the delay, and calls once', () => {
  const then = vi.fn();
  afterDelayOrWake(30_000, then);
  vi.advanceTimersByTime(29_999);
  expect(then).not.toHaveBeenCalled();
  vi.advanceTimersByTime(60_000);
  expect(then.mock.calls).toEqual([[false]]);
});

it('calls at once when the machine wakes up, whose timers stood still', () => {
  const then = vi.fn();
  afterDelayOrWake(30_000, then);
  vi.advanceTimersByTime(5_000);
  vi.setSystemTime(Date.now() + 3_600_000);
  vi.advanceTimersByTime(1_000);
  expect(then.mock.calls).toEqual([[true]]);
  vi.advanceTimersByTime(60_000);
  expect(then).toHaveBeenCalledTimes(1);
});

it('does not call after it was cancelled', () => {
  const then = vi.fn();
  afterDelayOrWake(30_000, then)();
  vi.setSystemTime(Date.now() + 3_600_000);
  vi.advanceTimersByTime(60_000);
  expect(then).not.toHaveBeenCalled();
});
