/** How the relay delivers: in order and once, but for the faults that it was asked for. */

import type { Counted, Faults } from './faults.ts';

/** How long a delivery waits for the next one to change places with. */
const SWAP_WAIT_MS = 1_000;

/** One message on its way. */
export interface Letter {
  readonly id: number;
  readonly writer: string;
  readonly to: string;
  frame(id: number): Buffer;
}

/** Somebody who gets letters. */
export interface Mailbox {
  readonly name: string;
  readonly hasWritten: boolean;
  /** The largest id that it has been sent. */
  readonly lastId: number;
  put(letter: Letter, id?: number): void;
}

export class Deliveries {
  readonly #faults: Faults;
  readonly #counted: Counted;
  /** Deliveries that wait for the next one of their writer to their reader. */
  readonly #held = new Map<string, Letter>();
  /** Deliveries that wait for the next one of another writer in the room. */
  readonly #waiting = new Map<string, Letter>();
  readonly #diverged = new Set<string>();

  constructor(faults: Faults, counted: Counted) {
    this.#faults = faults;
    this.#counted = counted;
  }

  /** `number`: of the message. */
  send(number: number, letter: Letter, readers: readonly Mailbox[]): void {
    const { overtakeEvery, renumberEvery } = this.#faults;
    const isDisordered = isDue(number, overtakeEvery) || isDue(number, renumberEvery);
    const last = isDisordered ? readers.find(({ hasWritten }) => !hasWritten) : undefined;
    for (const reader of readers) {
      const way = `${letter.to} ${reader.name}`;
      const before = this.#waiting.get(way);
      if (before !== undefined) this.#exchange(way, before, letter, reader);
      else if (reader === last) this.#wait(way, letter, reader);
      else this.#deliver(letter, reader);
    }
  }

  #wait(way: string, letter: Letter, reader: Mailbox): void {
    this.#waiting.set(way, letter);
    setTimeout(() => {
      if (this.#waiting.get(way) !== letter) return;
      this.#waiting.delete(way);
      this.#deliver(letter, reader);
    }, SWAP_WAIT_MS);
  }

  #exchange(way: string, first: Letter, second: Letter, reader: Mailbox): void {
    this.#waiting.delete(way);
    const isRenumbered = this.#faults.renumberEvery !== undefined;
    if (first.writer === second.writer) {
      this.#deliver(first, reader);
      this.#deliver(second, reader);
      return;
    }
    this.#counted.deliveries += 2;
    reader.put(second, isRenumbered ? first.id : second.id);
    reader.put(first, isRenumbered ? second.id : first.id);
    if (isRenumbered) this.#counted.diverged = this.#diverged.add(way).size;
    else this.#counted.overtaken += 1;
  }

  #deliver(letter: Letter, reader: Mailbox): void {
    const { loseEvery, repeatEvery, swapEvery, deliversNothing } = this.#faults;
    const counted = this.#counted;
    counted.deliveries += 1;
    const number = counted.deliveries;
    if (deliversNothing === true || isDue(number, loseEvery)) {
      counted.lost += 1;
      return;
    }
    const way = `${letter.writer} ${letter.to} ${reader.name}`;
    const held = this.#held.get(way);
    if (held === undefined && isDue(number, swapEvery)) {
      this.#hold(way, letter, reader);
      return;
    }
    reader.put(letter);
    if (isDue(number, repeatEvery)) {
      counted.repeated += 1;
      reader.put(letter);
    }
    if (held === undefined) return;
    this.#held.delete(way);
    counted.swapped += 1;
    reader.put(held);
  }

  #hold(way: string, letter: Letter, reader: Mailbox): void {
    this.#held.set(way, letter);
    setTimeout(() => {
      if (this.#held.get(way) !== letter) return;
      this.#held.delete(way);
      // Others wrote meanwhile, or the reader itself, and it knows of that already.
      if (reader.lastId > letter.id) this.#counted.swapped += 1;
      reader.put(letter);
    }, SWAP_WAIT_MS);
  }
}

/** Whether the n-th is one of each `every`. */
export function isDue(n: number, every: number | undefined): boolean {
  return every !== undefined && n % every === 0;
}
