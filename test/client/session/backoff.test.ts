import { describe, expect, it } from 'vitest';
import { retryDelay } from '../../../src/client/session/backoff.ts';

describe('retryDelay', () => {
  it('doubles its bound from half a second to thirty', () => {
    const bounds = Array.from({ length: 9 }, (_, failures) => retryDelay(failures, 1));
    expect(bounds).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    expect(retryDelay(1e9, 1)).toBe(30_000);
  });

  it('takes a random part of the bound, down to zero', () => {
    expect(retryDelay(3, 0)).toBe(0);
    expect(retryDelay(3, 0.25)).toBe(1_000);
  });

  it('never returns before the server asks for it, and still spreads', () => {
    expect(retryDelay(0, 0, 5_000)).toBe(5_000);
    expect(retryDelay(1, 0.5, 5_000)).toBe(5_500);
    expect(retryDelay(0, 0, 3_600_000)).toBe(3_600_000);
  });

  it('returns after an hour, even if the server asks for more', () => {
    expect(retryDelay(0, 0, 2 ** 31)).toBe(3_600_000);
    expect(retryDelay(20, 0.5, Number.MAX_SAFE_INTEGER)).toBe(3_615_000);
  });
});
