/**
 * A token bucket that limits the commands of one connection. Policy while it is empty: the connection is not read, so TCP makes
 * the client wait and nothing is lost. Time is passed in, from a monotonic clock.
 */

/** The size of a burst, in seconds at the permitted rate. */
const BURST_SECONDS = 5;

export class TokenBucket {
  readonly #perSecond: number;
  #tokens: number;
  #filledAt: number;

  /** `perSecond`: the permitted rate, in commands per second; 0 for no limit. */
  constructor(perSecond: number, now: number) {
    this.#perSecond = perSecond;
    this.#tokens = perSecond * BURST_SECONDS;
    this.#filledAt = now;
  }

  /** Adds the tokens for the time since the last call. */
  fill(now: number): void {
    const seconds = (now - this.#filledAt) / 1_000;
    this.#filledAt = now;
    this.#tokens = Math.min(this.#perSecond * BURST_SECONDS, this.#tokens + seconds * this.#perSecond);
  }

  /** The time of the last call of `fill`. */
  get filledAt(): number {
    return this.#filledAt;
  }

  /** Milliseconds until a token is available; 0 if there is one. */
  get waitMs(): number {
    return this.#perSecond === 0 || this.#tokens >= 1 ? 0 : Math.ceil(1_000 / this.#perSecond);
  }

  take(): void {
    this.#tokens -= 1;
  }
}
