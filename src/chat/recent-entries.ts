/**
 * The newest entries, kept in memory for sessions and shards that lack only these. Bounded: beyond a limit the older half
 * is dropped.
 */

import type { Entry } from './entry.ts';

/** A limit four times as high costs 3 % more per direct message, because of garbage collection (measured). */
const ENTRIES_LIMIT = 4_096;
/** The length of all texts together, in UTF-16 units. */
const TEXT_LIMIT = 16 * 1_024 * 1_024;

export class RecentEntries {
  #entries: Entry[];
  #text = 0;
  /** All entries after this id are kept. */
  #floor: number;

  /** `entries`: all entries after the id `floor`, oldest first. */
  constructor(floor: number, entries: readonly Entry[]) {
    this.#floor = floor;
    this.#entries = [];
    for (const entry of entries) this.add(entry);
  }

  add(entry: Entry): void {
    this.#entries.push(entry);
    this.#text += textOf(entry);
    if (this.#entries.length <= ENTRIES_LIMIT && this.#text <= TEXT_LIMIT) return;
    const dropped = this.#entries.slice(0, this.#entries.length >> 1);
    this.#entries = this.#entries.slice(dropped.length);
    this.#floor = dropped.at(-1)?.id ?? this.#floor;
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
