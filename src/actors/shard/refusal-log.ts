/**
 * Which refusals of one connection are logged: the first few of each minute. The others are counted, so that nobody can fill
 * the log. Time is passed in, from a clock that is never set.
 */

const LOGGED = 10;
const WINDOW_MS = 60_000;
const NAME_LIMIT = 64;

export class Refusals {
  #until = Number.NEGATIVE_INFINITY;
  #logged = 0;
  #omitted = 0;

  /** True if this one is to be logged. */
  admits(now: number): boolean {
    if (now >= this.#until) {
      this.#until = now + WINDOW_MS;
      this.#logged = 0;
    }
    const isLogged = this.#logged < LOGGED;
    if (isLogged) this.#logged += 1;
    else this.#omitted += 1;
    return isLogged;
  }

  /** How many were not logged since the last call; undefined for none. */
  takeOmitted(): number | undefined {
    const omitted = this.#omitted;
    this.#omitted = 0;
    return omitted === 0 ? undefined : omitted;
  }
}

/** A name as somebody sent it, fit for the log: short, and without control characters, as no name has. */
export function nameForLog(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, NAME_LIMIT).replace(/[^ -~]/g, '?') : '';
}
