/** How the relay delivers: in order and once, but for the faults that it was asked for. */

import type { Counted, Faults } from './faults.ts';

/** Timers may come a little early, and 20 is what is promised. */
const DELAY_MS = 21;
/** How long a delivery waits for the next one to change places with. */
const SWAP_WAIT_MS = 1_000;

/** One message on its way. */
export interface Letter {
  readonly writer: string;
  readonly to: string;
  readonly frame: Buffer;
}

/** Somebody who gets letters. */
export interface Mailbox {
  readonly name: string;
  put(frame: Buffer): void;
}

export class Deliveries {
  readonly #faults: Faults;
  readonly #counted: Counted;
  /** Deliveries that wait for the next one of their writer to their reader. */
  readonly #held = new Map<string, Buffer>();
  /** What waits behind a delayed message of a writer. */
  readonly #delayed = new Map<string, (() => void)[]>();

  constructor(faults: Faults, counted: Counted) {
    this.#faults = faults;
    this.#counted = counted;
  }

  /** `number`: of the message. */
  send(number: number, letter: Letter, readers: readonly Mailbox[]): void {
    const deliver = (): void => {
      for (const reader of readers) this.#deliver(letter, reader);
    };
    const waiting = this.#delayed.get(letter.writer);
    const isDelayed = isDue(number, this.#faults.delayEvery);
    if (isDelayed) this.#counted.delayed += 1;
    if (waiting !== undefined) waiting.push(deliver);
    else if (isDelayed) this.#delay(letter.writer, deliver);
    else deliver();
  }

  #delay(writer: string, deliver: () => void): void {
    const waiting = [deliver];
    this.#delayed.set(writer, waiting);
    setTimeout(() => {
      this.#delayed.delete(writer);
      for (const next of waiting) next();
    }, DELAY_MS);
  }

  #deliver({ writer, to, frame }: Letter, reader: Mailbox): void {
    const { loseEvery, repeatEvery, swapEvery, deliversNothing } = this.#faults;
    const counted = this.#counted;
    counted.deliveries += 1;
    const number = counted.deliveries;
    if (deliversNothing === true || isDue(number, loseEvery)) {
      counted.lost += 1;
      return;
    }
    const way = `${writer} ${to} ${reader.name}`;
    const held = this.#held.get(way);
    if (held === undefined && isDue(number, swapEvery)) {
      this.#hold(way, frame, reader);
      return;
    }
    reader.put(frame);
    if (isDue(number, repeatEvery)) {
      counted.repeated += 1;
      reader.put(frame);
    }
    if (held === undefined) return;
    this.#held.delete(way);
    counted.swapped += 1;
    reader.put(held);
  }

  #hold(way: string, frame: Buffer, reader: Mailbox): void {
    this.#held.set(way, frame);
    setTimeout(() => {
      if (this.#held.get(way) !== frame) return;
      this.#held.delete(way);
      reader.put(frame);
    }, SWAP_WAIT_MS);
  }
}

/** Whether the n-th is one of each `every`. */
export function isDue(n: number, every: number | undefined): boolean {
  return every !== undefined && n % every === 0;
}
