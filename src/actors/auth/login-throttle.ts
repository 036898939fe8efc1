/**
 * Counts failed logins per address, to slow down password guessing. The time is passed in, from a clock that cannot be
 * set.
 */

const WINDOW_MS = 60_000;
/** Failed logins allowed per address within the window. */
const MAX_FAILURES = 30;
/** Maximum number of addresses remembered. Policy above it: the address without failures for longest is forgotten. */
const MAX_ADDRESSES = 100_000;

export class LoginThrottle {
  /** Ordered by the latest failure. */
  readonly #failures = new Map<string, { count: number; until: number }>();

  isBlocked(address: string, now: number): boolean {
    const failures = this.#failures.get(address);
    return failures !== undefined && now < failures.until && failures.count >= MAX_FAILURES;
  }

  failed(address: string, now: number): void {
    const last = this.#failures.get(address);
    this.#failures.delete(address);
    const count = last !== undefined && now < last.until ? last.count + 1 : 1;
    const until = last !== undefined && now < last.until ? last.until : now + WINDOW_MS;
    this.#failures.set(address, { count, until });
    if (this.#failures.size <= MAX_ADDRESSES) return;
    for (const oldest of this.#failures.keys()) {
      this.#failures.delete(oldest);
      return;
    }
  }
}
