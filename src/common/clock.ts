/**
 * The two clocks of a machine, and when to trust the wall clock.
 *
 * The wall clock tells the time of day, and anything may set it: a person, NTP, a resumed virtual machine. The
 * monotonic clock measures durations. Durations and deadlines MUST use the monotonic clock. Anything removed or refused
 * because of its age MUST use `SteadyClock.settled`.
 */

/** In milliseconds. */
export interface Clock {
  /** Since 1970, a whole number. */
  wall(): number;
  /**
   * Since an arbitrary moment, with a fraction; never goes back. On Linux it stands still while the machine is
   * suspended.
   */
  monotonic(): number;
}

export const SYSTEM_CLOCK: Clock = {
  wall: () => Date.now(),
  monotonic: () => performance.now(),
};

/** How long the clocks must have agreed before anything is removed: longer than NTP takes to correct a wrong clock. */
export const SETTLE_MS = 60 * 60_000;
/** The clocks agree as long as they have drifted apart by at most this much. */
export const JUMP_MS = 60_000;

/**
 * Compares the wall clock with the monotonic clock. A jump of the wall clock, even one during sleep, starts a new
 * waiting period: until the clocks have agreed for `settleMs`, it is unknown which of the two times is right.
 */
export class SteadyClock {
  readonly #clock: Clock;
  readonly #settleMs: number;
  /** Wall time minus monotonic time, and since when this difference holds, in monotonic time. */
  #difference: number;
  #since: number;
  /** The largest difference that may be the right one. */
  #largest: number;

  constructor(clock: Clock = SYSTEM_CLOCK, settleMs: number = SETTLE_MS) {
    this.#clock = clock;
    this.#settleMs = settleMs;
    this.#since = clock.monotonic();
    this.#difference = clock.wall() - this.#since;
    this.#largest = this.#difference;
  }

  /**
   * Compares the clocks; call at least once a minute. Returns once by how much the wall clock has jumped, forwards or
   * backwards; undefined if it has not.
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

  /** The wall time, if the clocks have agreed for long enough, including right now. */
  settled(): number | undefined {
    const wall = this.#clock.wall();
    return this.#hasAgreed() && Math.abs(this.#drift(wall)) <= JUMP_MS ? wall : undefined;
  }

  /** The latest time that may be the right one. A timestamp taken from it never expires too early. */
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
