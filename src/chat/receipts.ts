/**
 * Messages that nobody has confirmed yet. A message is delivered when it has been shown to one of its recipients other than
 * its author. Bounded: beyond a limit the older half of every conversation is forgotten, and its authors get no receipt.
 */

import type { Account } from './directory.ts';
import type { Entry } from './entry.ts';

const LIMIT = 100_000;

/** The unconfirmed messages of one room, or to one recipient of direct messages, in order of id. */
interface Waiting {
  ids: number[];
  authors: number[];
}

export class Receipts {
  readonly #rooms = new Map<number, Waiting>();
  readonly #direct = new Map<number, Waiting>();
  #size = 0;

  sent(entry: Entry): void {
    if (entry.kind === 'message') this.#add(this.#rooms, entry.room, entry);
    else if (entry.kind === 'direct' && entry.peer !== entry.account)
      this.#add(this.#direct, entry.peer, entry);
  }

  /** Records that the account has been shown everything up to `through`. Returns the messages this delivers, by author. */
  confirm(account: Account, through: number): Map<number, number[]> {
    const delivered = new Map<number, number[]>();
    this.#take(this.#direct, account.id, 0, through, account.id, delivered);
    for (const [room, since] of account.rooms ?? []) {
      this.#take(this.#rooms, room.id, since, through, account.id, delivered);
    }
    return delivered;
  }

  #add(to: Map<number, Waiting>, key: number, { id, account }: Entry): void {
    const waiting = to.get(key) ?? { ids: [], authors: [] };
    to.set(key, waiting);
    waiting.ids.push(id);
    waiting.authors.push(account);
    this.#size += 1;
    if (this.#size > LIMIT) this.#forgetHalf();
  }

  #take(
    from: Map<number, Waiting>,
    key: number,
    since: number,
    through: number,
    reader: number,
    delivered: Map<number, number[]>,
  ): void {
    const waiting = from.get(key);
    if (waiting === undefined || (waiting.ids[0] ?? Number.POSITIVE_INFINITY) > through) return;
    const kept: Waiting = { ids: [], authors: [] };
    waiting.ids.forEach((id, index) => {
      const author = waiting.authors[index] ?? 0;
      if (id > through || id < since || author === reader) {
        kept.ids.push(id);
        kept.authors.push(author);
        return;
      }
      const ofAuthor = delivered.get(author) ?? [];
      delivered.set(author, ofAuthor);
      ofAuthor.push(id);
      this.#size -= 1;
    });
    if (kept.ids.length === 0) from.delete(key);
    else from.set(key, kept);
  }

  #forgetHalf(): void {
    for (const waitings of [this.#rooms, this.#direct]) {
      for (const [key, waiting] of waitings) {
        const forgotten = Math.ceil(waiting.ids.length / 2);
        this.#size -= forgotten;
        if (forgotten === waiting.ids.length) waitings.delete(key);
        waiting.ids = waiting.ids.slice(forgotten);
        waiting.authors = waiting.authors.slice(forgotten);
      }
    }
  }
}
