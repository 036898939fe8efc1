import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenBucket } from '../../../src/actors/shard/rate-limiter.ts';

const BURST_SECONDS = 5;
const LOTS = 100_000;

/** Takes every token available at `now`, and returns their number. */
function takeAll(bucket: TokenBucket, now: number): number {
  bucket.fill(now);
  let taken = 0;
  for (; bucket.waitMs === 0 && taken < LOTS; taken += 1) bucket.take();
  return taken;
}

describe('a token bucket', () => {
  it.each([1, 3, 50, 300, 1_000, 2_500])('allows a burst, then %i per second', (rate) => {
    const start = 123_456.789;
    const bucket = new TokenBucket(rate, start);
    expect(takeAll(bucket, start)).toBe(rate * BURST_SECONDS);
    let taken = 0;
    for (let now = start; now < start + 60_000; now += bucket.waitMs) taken += takeAll(bucket, now);
    expect(taken).toBeGreaterThanOrEqual(Math.floor(rate * 59.9) - 1);
    expect(taken).toBeLessThanOrEqual(rate * 60);
  });

  it('keeps its rate, however often it is checked while empty', () => {
    const bucket = new TokenBucket(10, 0);
    takeAll(bucket, 0);
    let taken = 0;
    for (let now = 0; now <= 10_000; now += 0.3) {
      bucket.fill(now);
      if (bucket.waitMs > 0) continue;
      bucket.take();
      taken += 1;
    }
    expect(taken).toBeGreaterThanOrEqual(99);
    expect(taken).toBeLessThanOrEqual(100);
  });

  it('never allows more than a burst plus its rate, and saves no more than a burst', () => {
    const pauses = fc.array(fc.double({ min: 0, max: 20_000, noNaN: true }), { maxLength: 50 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), pauses, (rate, times) => {
        const bucket = new TokenBucket(rate, 0);
        let now = 0;
        let taken = takeAll(bucket, now);
        for (const pause of times) {
          now += pause;
          const some = takeAll(bucket, now);
          expect(some).toBeLessThanOrEqual(rate * BURST_SECONDS);
          taken += some;
        }
        expect(taken).toBeLessThanOrEqual(rate * (BURST_SECONDS + now / 1_000) + 1e-6);
      }),
    );
  });

  it('has a token after the wait that it announced', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), (rate) => {
        const bucket = new TokenBucket(rate, 0);
        takeAll(bucket, 0);
        const { waitMs } = bucket;
        expect(waitMs).toBeGreaterThan(0);
        expect(takeAll(bucket, waitMs)).toBeGreaterThan(0);
      }),
    );
  });

  it('with a rate of 0 has no limit', () => {
    const bucket = new TokenBucket(0, 0);
    for (let i = 0; i < LOTS; i += 1) bucket.take();
    bucket.fill(1);
    expect(bucket.waitMs).toBe(0);
  });
});
