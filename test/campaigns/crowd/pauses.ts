/**
 * Measures interruptions: the time from the last thing a client received before it lost the connection to the
 * first thing after.
 */

export class Pauses {
  readonly #last = new Map<string, number>();
  readonly #waiting = new Map<string, number>();
  readonly #pauses: number[] = [];

  got(name: string): void {
    const now = performance.now();
    const since = this.#waiting.get(name);
    if (since !== undefined) this.#pauses.push(now - since);
    this.#waiting.delete(name);
    this.#last.set(name, now);
  }

  lost(name: string): void {
    const since = this.#last.get(name) ?? performance.now();
    if (!this.#waiting.has(name)) this.#waiting.set(name, since);
  }

  get longestMs(): number {
    return Math.round(Math.max(0, ...this.#pauses));
  }

  get medianMs(): number {
    const sorted = this.#pauses.toSorted((a, b) => a - b);
    return Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0);
  }
}
