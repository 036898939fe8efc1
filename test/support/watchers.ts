/** Waits for a condition that can only change on an event, and is checked at every event. */

export class Watchers {
  readonly #checks = new Set<() => void>();

  /** Call when something has happened. */
  notify(): void {
    for (const check of [...this.#checks]) check();
  }

  /** Rejects after `timeoutMs` with the text that `late` then returns. */
  until(condition: () => boolean, timeoutMs: number, late: () => string): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const settle = (end: () => void): void => {
        clearTimeout(deadline);
        this.#checks.delete(check);
        end();
      };
      const check = (): void => {
        if (condition()) settle(resolve);
      };
      const deadline = setTimeout(settle, timeoutMs, () => reject(new Error(late())));
      this.#checks.add(check);
    });
  }
}
