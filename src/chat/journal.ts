/** The undo journal of a page: reverts its changes in memory if it cannot be stored. */
export class Journal {
  #undo: Array<() => void> = [];

  push(undo: () => void): void {
    this.#undo.push(undo);
  }

  /** Reverts all changes, the latest first. */
  rollback(): void {
    for (const undo of this.#undo.splice(0).reverse()) undo();
  }

  /** Makes the changes permanent. */
  commit(): void {
    this.#undo = [];
  }
}
