/** A clock for tests that pass through hours in no time. */

import type { Clock } from '../../src/common/clock.ts';

export class TestClock implements Clock {
  #wall: number;
  #monotonic = 1_000.25;

  constructor(wall = Date.parse('2026-06-01T12:00:00Z')) {
    this.#wall = wall;
  }

  wall(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  /** Time passes, on both clocks. */
  pass(ms: number): void {
    this.#wall += ms;
    this.#monotonic += ms;
  }

  /** Sets the wall clock forward or back. */
  set(byMs: number): void {
    this.#wall += byMs;
  }
}
