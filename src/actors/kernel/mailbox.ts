/**
 * A bounded FIFO queue. Overflow policy: a full mailbox rejects the new message and reports it; what it already holds
 * is never dropped.
 */
export class Mailbox<Msg> {
  readonly limit: number;
  #items: Array<Msg | undefined> = [];
  #head = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get size(): number {
    return this.#items.length - this.#head;
  }

  /** False if the mailbox is full; the message is then not kept. */
  put(msg: Msg): boolean {
    if (this.size >= this.limit) return false;
    this.#items.push(msg);
    return true;
  }

  /** The oldest message, or undefined if there is none. */
  take(): Msg | undefined {
    const msg = this.#items[this.#head];
    if (this.#head === this.#items.length) return undefined;
    this.#items[this.#head] = undefined;
    this.#head += 1;
    if (this.#head === this.#items.length) {
      this.#items = [];
      this.#head = 0;
    } else if (this.#head >= 1_024 && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return msg;
  }

  clear(): void {
    this.#items = [];
    this.#head = 0;
  }
}
