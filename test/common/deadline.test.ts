import { expect, it } from 'vitest';
import { timerDelay, within } from '../../src/common/deadline.ts';

it('limits every delay to what a timer accepts', () => {
  const longest = 2 ** 31 - 1;
  const delays = [
    0,
    1.5,
    -5,
    longest,
    longest + 1,
    Number.MAX_SAFE_INTEGER,
    Number.POSITIVE_INFINITY,
    Number.NaN,
  ];
  expect(delays.map(timerDelay)).toEqual([0, 1.5, 0, longest, longest, longest, longest, longest]);
});

it('waits for a promise for the given time, even for ever', async () => {
  const never = new Promise<string>(() => {});
  expect(await within(never, 1, 'late')).toBe('late');
  const soon = new Promise<string>((resolve) => setTimeout(resolve, 50, 'came'));
  expect(await within(soon, Number.POSITIVE_INFINITY, 'late')).toBe('came');
});
