/**
 * The newest entries of the log, kept in memory for sessions and shards that lack only these. Bounded: beyond a limit the
 * older half is dropped.
 */

import type { Entry } from './entry.ts';

/** A limit four times as high makes a direct message 3 % dearer: long-lived objects cost the garbage collector (measured). */
const ENTRIES_LIMIT = 4_096;
/** The length of all texts together, in UTF-16 units. */
const TEXT_LIMIT = 16 * 1_024 * 1_024;

export class Recent {
  #entries: Entry[];
  #text = 0;
  /** Everything after this id is kept. */
  #floor: number;

  /** `entries`: the newest of the log, oldest first; all that there are after `floor`. */
  constructor(floor: number, entries: readonly Entry[]) {
    this.#floor = floor;
    this.#entries = [];
    for (const entry of entries) this.add(entry);
  }

  add(entry: Entry): void {
    this.#entries.push(entry);
    this.#text += textOf(entry);
    if (this.#entries.length <= ENTRIES_LIMIT && this.#text <= TEXT_LIMIT) return;
    const forgotten = this.#entries.slice(0, this.#entries.length >> 1);
    this.#entries = this.#entries.slice(forgotten.length);
    this.#floor = forgotten.at(-1)?.id ?? this.#floor;
    this.#text = this.#entries.reduce((sum, kept) => sum + textOf(kept), 0);
  }

  /** The entries after `id`, oldest first; undefined if not all of them are kept. */
  after(id: number): Entry[] | undefined {
    if (id < this.#floor) return undefined;
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = this.#entries[middle];
      if (entry !== undefined && entry.id <= id) low = middle + 1;
      else high = middle;
    }
    return this.#entries.slice(low);
  }
}

function textOf(entry: Entry): number {
  return 'text' in entry ? entry.text.length : 0;
}
