/** Remembers which conversation two accounts have. Bounded: at the limit everything is dropped, and looked up again. */

const LIMIT = 100_000;

export class Pairs {
  /** By the smaller id, then by the larger. Two maps of numbers are cheaper than building a string key for each message. */
  readonly #conversations = new Map<number, Map<number, number>>();
  #size = 0;

  find(low: number, high: number): number | undefined {
    return this.#conversations.get(low)?.get(high);
  }

  remember(low: number, high: number, conversation: number): void {
    if (this.#size >= LIMIT) this.clear();
    const ofLow = this.#conversations.get(low) ?? new Map<number, number>();
    this.#conversations.set(low, ofLow.set(high, conversation));
    this.#size += 1;
  }

  clear(): void {
    this.#conversations.clear();
    this.#size = 0;
  }
}
