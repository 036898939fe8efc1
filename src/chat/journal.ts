/**
 * How to take back what a batch has changed in memory, when it turns out that it could not be stored.
 */
export class Journal {
  #undo: Array<() => void> = [];

  push(undo: () => void): void {
    this.#undo.push(undo);
  }

  /** Takes everything back, the latest first. */
  rollback(): void {
    for (const undo of this.#undo.splice(0).reverse()) undo();
  }

  /** What was changed stays. */
  commit(): void {
    this.#undo = [];
  }
}
