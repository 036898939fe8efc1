/**
 * Lets so many in at a time, and the others in the order in which they came: after a restart all clients come back at once, and
 * those who are in already chat meanwhile. Bounded by the number of connections; who waits is not read from.
 */

const AT_A_TIME = 16;
/** Who takes longer, such as one who does not read what was missed, is not waited for. */
const PATIENCE_MS = 1_000;

export class Entrance {
  readonly #waiting: Array<() => void> = [];
  #entering = 0;

  /** How many wait for their turn. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Runs `enter` when it is its turn. */
  async pass(enter: () => Promise<void>): Promise<void> {
    if (this.#entering >= AT_A_TIME) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#entering += 1;
    let isInside = true;
    const leave = (): void => {
      if (isInside) this.#giveWay();
      isInside = false;
    };
    const patience = setTimeout(leave, PATIENCE_MS);
    try {
      await enter();
    } finally {
      clearTimeout(patience);
      leave();
    }
  }

  /** The place goes to the next, or is free. */
  #giveWay(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#entering -= 1;
    else setImmediate(next);
  }
}
