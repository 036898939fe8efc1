/**
 * The messages that no recipient has seen yet. The first recipient other than the author who sees a message causes its
 * receipt. Bounded: beyond a limit the older half of every conversation is dropped, and those authors get no receipt.
 */

import type { Account } from './directory.ts';
import type { Entry } from './entry.ts';

const MAX_WAITING = 100_000;

/** The unconfirmed messages of one room, or to one recipient of direct messages, in order of id. */
interface Waiting {
  ids: number[];
  authors: number[];
}

export class Receipts {
  readonly #rooms = new Map<number, Waiting>();
  readonly #direct = new Map<number, Waiting>();
  #size = 0;

  track(entry: Entry): void {
    if (entry.kind === 'message') this.#add(this.#rooms, entry.room, entry);
    else if (entry.kind === 'direct' && entry.peer !== entry.account)
      this.#add(this.#direct, entry.peer, entry);
  }

  /** Notes that the account has seen everything up to `through`. Returns the ids of the messages this confirms, by author. */
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
    if (this.#size > MAX_WAITING) this.#dropOlderHalf();
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

  #dropOlderHalf(): void {
    for (const waitings of [this.#rooms, this.#direct]) {
      for (const [key, waiting] of waitings) {
        const dropped = Math.ceil(waiting.ids.length / 2);
        this.#size -= dropped;
        if (dropped === waiting.ids.length) waitings.delete(key);
        waiting.ids = waiting.ids.slice(dropped);
        waiting.authors = waiting.authors.slice(dropped);
      }
    }
  }
}
