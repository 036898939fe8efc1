/**
 * The newest entries by conversation: those that are not in `places` yet. Kept in memory, and read on from where it was
 * whenever somebody asks: so they need not be looked through again for each conversation.
 */

import type { StatementSync } from 'node:sqlite';
import { rows } from './chat-db.ts';
import { integer, MESSAGE_CODE } from './entry-row.ts';

/** How a tail is read: up to where entries are in `places`, the oldest id there is, and the entries behind an id. */
interface Source {
  readonly firstId: StatementSync;
  readonly placed: StatementSync;
  /** Rows of id, conversation, kind; in order of id. */
  readonly entriesAfter: StatementSync;
}

/** Which ids of a conversation are asked for: behind `after`, up to `last`. */
export interface Range {
  readonly conversation: number;
  readonly after: number;
  readonly last: number;
}

export class Tail {
  readonly #source: Source;
  /** In rising order. */
  readonly #ids = new Map<number, number[]>();
  /** Of these, what is no message. */
  readonly #changes = new Set<number>();
  #through = 0;
  /** What is older has been removed from the log. */
  #first = 0;
  /** Everything up to this id is in `places`, and nothing of it here. */
  placed = -1;

  constructor(source: Source) {
    this.#source = source;
  }

  /** Takes in what has been committed since the last call. */
  readOn(): void {
    this.#first = integer(this.#source.firstId.get()?.id ?? 0);
    const placed = integer(this.#source.placed.get()?.id);
    if (placed !== this.placed) {
      this.placed = placed;
      this.#through = placed;
      this.#ids.clear();
      this.#changes.clear();
    }
    for (const [id, conversation, kind] of rows(this.#source.entriesAfter, this.#through)) {
      this.#through = integer(id);
      if (kind !== MESSAGE_CODE) this.#changes.add(this.#through);
      const ids = this.#ids.get(integer(conversation));
      if (ids === undefined) this.#ids.set(integer(conversation), [this.#through]);
      else ids.push(this.#through);
    }
  }

  /** The first ids of the range. */
  oldest({ conversation, after, last }: Range, limit: number): number[] {
    const found: number[] = [];
    for (const id of this.#ids.get(conversation) ?? []) {
      if (id > last || found.length === limit) break;
      if (id > after && id >= this.#first) found.push(id);
    }
    return found;
  }

  /** The last ids of messages in the range, the newest first. */
  newestMessages({ conversation, after, last }: Range, limit: number): number[] {
    const found: number[] = [];
    const ids = this.#ids.get(conversation) ?? [];
    for (let i = ids.length - 1; i >= 0 && found.length < limit; i -= 1) {
      const id = ids[i] ?? 0;
      if (id <= after || id < this.#first) break;
      if (id <= last && !this.#changes.has(id)) found.push(id);
    }
    return found;
  }
}
