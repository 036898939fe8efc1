/**
 * Remembers how to undo what a page has changed in memory, in case it cannot be stored.
 */
export class Journal {
  #undo: Array<() => void> = [];

  push(undo: () => void): void {
    this.#undo.push(undo);
  }

  /** Undoes everything, the latest change first. */
  rollback(): void {
    for (const undo of this.#undo.splice(0).reverse()) undo();
  }

  /** Keeps the changes. */
  commit(): void {
    this.#undo = [];
  }
}
