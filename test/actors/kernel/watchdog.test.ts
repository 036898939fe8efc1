import { describe, expect, it } from 'vitest';
import { FIRST_ANSWER_MS, Watchdog } from '../../../src/actors/kernel/watchdog.ts';

const LIMIT = 10_000;

/** Time passes in the given steps; returns for how long the watchdog found the thread silent. */
function wait(dog: Watchdog, from: number, totalMs: number, stepMs = dog.everyMs): number | undefined {
  for (let passed = stepMs; passed <= totalMs; passed += stepMs) {
    if (dog.check(from + passed) !== undefined) return passed;
  }
  return undefined;
}

describe('a watchdog', () => {
  it('detects a thread that stops answering, within a second of the limit', () => {
    const dog = new Watchdog(LIMIT, 0);
    dog.answered();
    const found = wait(dog, 0, 60_000);
    expect(found).toBeGreaterThan(LIMIT);
    expect(found).toBeLessThanOrEqual(LIMIT + 1_000);
  });

  it('tolerates a thread that answers late, but within the limit', () => {
    const dog = new Watchdog(LIMIT, 0);
    for (let now = 0; now < 500_000; now += 9_000) {
      dog.answered();
      expect(wait(dog, now, 9_000)).toBeUndefined();
    }
  });

  it('is more patient before the first answer', () => {
    expect(wait(new Watchdog(LIMIT, 0), 0, FIRST_ANSWER_MS)).toBeUndefined();
    expect(wait(new Watchdog(LIMIT, 0), 0, FIRST_ANSWER_MS + 2_000)).toBeDefined();
    expect(wait(new Watchdog(5 * FIRST_ANSWER_MS, 0), 0, 4 * FIRST_ANSWER_MS)).toBeUndefined();
  });

  it('does not count time in which the pinging side did not run', () => {
    const dog = new Watchdog(LIMIT, 0);
    dog.answered();
    const aNight = 8 * 3_600_000;
    expect(dog.check(aNight)).toBeUndefined();
    dog.answered();
    expect(wait(dog, aNight, LIMIT)).toBeUndefined();
    expect(wait(dog, aNight + LIMIT, 2_000)).toBeDefined();
  });

  it('counts less time when the pinging side is slow', () => {
    const dog = new Watchdog(LIMIT, 0);
    dog.answered();
    expect(wait(dog, 0, 20_000, 5_000)).toBeUndefined();
    expect(wait(dog, 20_000, 20_000, 5_000)).toBeDefined();
  });

  it('pings often enough for a short limit', () => {
    const dog = new Watchdog(500, 0);
    dog.answered();
    expect(dog.check(60_000)).toBeUndefined();
    expect(dog.everyMs).toBeLessThanOrEqual(125);
  });
});
