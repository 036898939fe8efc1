/**
 * A token bucket for the commands of one connection. Policy when it is empty: the connection is not read until a
 * token is there, so TCP holds the peer back and nothing is lost. Time is passed in.
 */

/** Seconds' worth of commands that may come at once. */
const BURST_SECONDS = 5;

export class FloodGate {
  readonly #perSecond: number;
  #tokens: number;
  #filledAt = 0;

  /** `perSecond`: commands a second in the long run; 0 for no limit. */
  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#tokens = perSecond * BURST_SECONDS;
  }

  /** Takes a token. Returns 0, or the milliseconds to wait before the next try. */
  take(): number {
    if (this.#perSecond === 0) return 0;
    this.#tokens -= 1;
    if (this.#tokens >= 0) return 0;
    this.#tokens += 1;
    return Math.ceil(1_000 / this.#perSecond);
  }

  /** Adds the tokens of the time since the last call. */
  fill(now: number): void {
    const seconds = (now - this.#filledAt) / 1_000;
    this.#filledAt = now;
    this.#tokens = Math.min(this.#perSecond * BURST_SECONDS, this.#tokens + seconds * this.#perSecond);
  }
}
