import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FloodGate } from '../../../src/actors/shard/rate-limiter.ts';

const BURST_SECONDS = 5;
const LOTS = 100_000;

/** Takes whatever may be taken at `now`. Returns how much that was. */
function takeAll(gate: FloodGate, now: number): number {
  gate.fill(now);
  let taken = 0;
  for (; gate.wait === 0 && taken < LOTS; taken += 1) gate.take();
  return taken;
}

describe('a flood gate', () => {
  it.each([1, 3, 50, 300, 1_000, 2_500])('lets %i a second pass in the long run, after a burst', (rate) => {
    const start = 123_456.789;
    const gate = new FloodGate(rate, start);
    expect(takeAll(gate, start)).toBe(rate * BURST_SECONDS);
    let taken = 0;
    for (let now = start; now < start + 60_000; now += gate.wait) taken += takeAll(gate, now);
    expect(taken).toBeGreaterThanOrEqual(Math.floor(rate * 59.9) - 1);
    expect(taken).toBeLessThanOrEqual(rate * 60);
  });

  it('loses nothing of its rate, however often it is looked at and found empty', () => {
    const gate = new FloodGate(10, 0);
    takeAll(gate, 0);
    let taken = 0;
    for (let now = 0; now <= 10_000; now += 0.3) {
      gate.fill(now);
      if (gate.wait > 0) continue;
      gate.take();
      taken += 1;
    }
    expect(taken).toBeGreaterThanOrEqual(99);
    expect(taken).toBeLessThanOrEqual(100);
  });

  it('never lets more pass than a burst and its rate, and saves up no more than a burst', () => {
    const pauses = fc.array(fc.double({ min: 0, max: 20_000, noNaN: true }), { maxLength: 50 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), pauses, (rate, times) => {
        const gate = new FloodGate(rate, 0);
        let now = 0;
        let taken = takeAll(gate, now);
        for (const pause of times) {
          now += pause;
          const some = takeAll(gate, now);
          expect(some).toBeLessThanOrEqual(rate * BURST_SECONDS);
          taken += some;
        }
        expect(taken).toBeLessThanOrEqual(rate * (BURST_SECONDS + now / 1_000) + 1e-6);
      }),
    );
  });

  it('is open when the wait that it asked for is over', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), (rate) => {
        const gate = new FloodGate(rate, 0);
        takeAll(gate, 0);
        const { wait } = gate;
        expect(wait).toBeGreaterThan(0);
        expect(takeAll(gate, wait)).toBeGreaterThan(0);
      }),
    );
  });

  it('of 0 a second has no limit', () => {
    const gate = new FloodGate(0, 0);
    for (let i = 0; i < LOTS; i += 1) gate.take();
    gate.fill(1);
    expect(gate.wait).toBe(0);
  });
});
