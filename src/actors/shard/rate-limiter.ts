/**
 * A token bucket for the commands of one connection. Policy when it is empty: the connection is not read until a
 * token is there, so TCP holds the peer back and nothing is lost. Time is passed in, from a clock that is never set.
 */

/** Seconds' worth of commands that may come at once. */
const BURST_SECONDS = 5;

export class FloodGate {
  readonly #perSecond: number;
  #tokens: number;
  #filledAt: number;

  /** `perSecond`: commands a second in the long run; 0 for no limit. */
  constructor(perSecond: number, now: number) {
    this.#perSecond = perSecond;
    this.#tokens = perSecond * BURST_SECONDS;
    this.#filledAt = now;
  }

  /** Adds the tokens of the time since the last call. */
  fill(now: number): void {
    const seconds = (now - this.#filledAt) / 1_000;
    this.#filledAt = now;
    this.#tokens = Math.min(this.#perSecond * BURST_SECONDS, this.#tokens + seconds * this.#perSecond);
  }

  /** When `fill` was called last. */
  get filledAt(): number {
    return this.#filledAt;
  }

  /** Milliseconds until a command may be taken; 0 for now. */
  get wait(): number {
    return this.#perSecond === 0 || this.#tokens >= 1 ? 0 : Math.ceil(1_000 / this.#perSecond);
  }

  take(): void {
    this.#tokens -= 1;
  }
}
