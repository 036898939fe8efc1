/** Waits for a condition that can only change when something happens, and is checked whenever something does. */

export class Watchers {
  readonly #checks = new Set<() => void>();

  /** Something has happened. */
  notify(): void {
    for (const check of [...this.#checks]) check();
  }

  /** Rejects after `timeoutMs` with what `late` then says. */
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
