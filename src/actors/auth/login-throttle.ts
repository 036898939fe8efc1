/** Counts failed logins of each address, to slow down who guesses passwords. Time is passed in, from a clock that is never set. */

const WINDOW_MS = 60_000;
/** Failed logins of one address within the window, before it has to wait. */
const ALLOWED = 30;
/** Addresses remembered. Policy when there are more: the one that has been quiet longest is forgotten. */
const ADDRESSES = 100_000;

export class Attempts {
  /** In order of the latest failure. */
  readonly #failures = new Map<string, { count: number; until: number }>();

  isBlocked(address: string, now: number): boolean {
    const failures = this.#failures.get(address);
    return failures !== undefined && now < failures.until && failures.count >= ALLOWED;
  }

  failed(address: string, now: number): void {
    const last = this.#failures.get(address);
    this.#failures.delete(address);
    const count = last !== undefined && now < last.until ? last.count + 1 : 1;
    const until = last !== undefined && now < last.until ? last.until : now + WINDOW_MS;
    this.#failures.set(address, { count, until });
    if (this.#failures.size <= ADDRESSES) return;
    for (const oldest of this.#failures.keys()) {
      this.#failures.delete(oldest);
      return;
    }
  }
}
