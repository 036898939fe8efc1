/**
 * The two clocks of a machine, and when the wall clock may be believed.
 *
 * The wall clock tells what time it is, and anybody may set it: a person, NTP, a virtual machine that is resumed. The
 * monotonic clock measures how long something takes. A duration or a deadline MUST use the monotonic clock. What
 * removes or refuses something because of its age MUST use `SteadyClock.settled`.
 */

/** In milliseconds. */
export interface Clock {
  /** Since 1970, a whole number. */
  wall(): number;
  /** Since some moment, with a fraction; never goes back. Stands still while the machine is suspended, on Linux. */
  monotonic(): number;
}

export const SYSTEM_CLOCK: Clock = {
  wall: () => Date.now(),
  monotonic: () => performance.now(),
};

/** How long the two clocks must have agreed before anything is removed: longer than it takes NTP to correct a wrong clock. */
export const SETTLE_MS = 60 * 60_000;
/** The clocks agree while they have drifted apart by at most this much. */
export const JUMP_MS = 60_000;

/**
 * Watches the wall clock against the monotonic clock. A jump of the wall clock, also one that it makes while the machine
 * sleeps, begins a new wait: until the clocks have agreed for `settleMs`, nobody knows which of the two times is right.
 */
export class SteadyClock {
  readonly #clock: Clock;
  readonly #settleMs: number;
  /** Wall minus monotonic, and when they began to agree, in monotonic time. */
  #difference: number;
  #since: number;
  /** The largest of the differences that may be the right one. */
  #largest: number;

  constructor(clock: Clock = SYSTEM_CLOCK, settleMs: number = SETTLE_MS) {
    this.#clock = clock;
    this.#settleMs = settleMs;
    this.#since = clock.monotonic();
    this.#difference = clock.wall() - this.#since;
    this.#largest = this.#difference;
  }

  /**
   * Compares the clocks; to be called at least once a minute. Returns by how much the wall clock has jumped, forwards or
   * backwards, once for each jump; undefined if it has not.
   */
  check(): number | undefined {
    const jump = this.#drift(this.#clock.wall());
    if (Math.abs(jump) <= JUMP_MS) return undefined;
    const wasSure = this.#hasAgreed();
    this.#largest = wasSure ? this.#difference : Math.max(this.#largest, this.#difference);
    this.#difference += jump;
    this.#since = this.#clock.monotonic();
    return jump;
  }

  /** The time, if the clocks have agreed for long enough, up to this very reading. */
  settled(): number | undefined {
    const wall = this.#clock.wall();
    return this.#hasAgreed() && Math.abs(this.#drift(wall)) <= JUMP_MS ? wall : undefined;
  }

  /** The latest of the times that may be the right one: what is stamped with it does not become too old too early. */
  latest(): number {
    const difference = this.#hasAgreed() ? this.#difference : Math.max(this.#largest, this.#difference);
    return this.settled() ?? Math.floor(Math.max(this.#clock.wall(), this.#clock.monotonic() + difference));
  }

  #hasAgreed(): boolean {
    return this.#clock.monotonic() - this.#since >= this.#settleMs;
  }

  #drift(wall: number): number {
    return wall - this.#clock.monotonic() - this.#difference;
  }
}
