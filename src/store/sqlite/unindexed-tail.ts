/**
 * The newest entries by conversation: those that are not in the index `places` yet. They are kept in memory, and each call
 * reads only what has been added, instead of scanning all of them for each conversation.
 */

import type { StatementSync } from 'node:sqlite';
import { rows } from './chat-db.ts';
import { integer, MESSAGE_CODE } from './entry-row.ts';

/** The statements that read a tail. */
interface Source {
  readonly firstId: StatementSync;
  readonly placed: StatementSync;
  /** Rows of id, conversation, kind; in order of id. */
  readonly entriesAfter: StatementSync;
}

/** Ids of a conversation, after `after` and up to `last`. */
export interface Range {
  readonly conversation: number;
  readonly after: number;
  readonly last: number;
}

export class UnindexedTail {
  readonly #source: Source;
  /** In rising order. */
  readonly #ids = new Map<number, number[]>();
  /** Those of them that are not messages. */
  readonly #changes = new Set<number>();
  #through = 0;
  /** Older entries have been removed from the log. */
  #first = 0;
  /** Everything up to this id is in `places` and not kept here. */
  placed = -1;

  constructor(source: Source) {
    this.#source = source;
  }

  /** Adds what has been committed since the last call. */
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
