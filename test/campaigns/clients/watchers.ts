/** Those who wait for something to become true of a client; they look whenever something has happened. */

export class Watchers {
  readonly #checks = new Set<() => void>();

  /** Something has happened. */
  look(): void {
    for (const check of [...this.#checks]) check();
  }

  /** The error is what `late` says at that time. */
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
