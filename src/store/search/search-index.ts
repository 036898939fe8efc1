/**
 * The search index: which messages contain which words. It is built from the log and can be rebuilt at any time, so it
 * never makes the server fail: a file that is damaged, or does not belong to this log, is deleted and rebuilt. A search
 * checks every id it finds in the log, which alone decides who may see it.
 */

import type { IndexRow } from '../archive-store.ts';
import { type Found, type Search, searchParts } from './search.ts';
import {
  asDamage,
  closeQuietly,
  deleteSearchDb,
  isDamage,
  isDiskFull,
  isStorageFault,
  openSearchDb,
  type SearchDb,
} from './search-db.ts';
import { SearchPart } from './search-part.ts';

/** The most messages that one step of a search examines. The worst accepted query takes 40 ms for that many. */
const PART_SIZE = 32_768;
/** On a quiet server a part ends after 30 days, so that it can expire as well. */
const PART_SPAN_MS = 30 * 24 * 3_600 * 1_000;

export interface SearchIndexOptions {
  readonly file: string;
  /** Whether the log has an entry with this id. */
  readonly has: (id: number) => boolean;
  /** Called with a sentence when the index is rebuilt or cannot be used; once per lasting cause. */
  readonly warn: (text: string) => void;
  /** Messages per part; tests make it smaller. */
  readonly partSize?: number;
}

/**
 * The call changed nothing. `reopened`: the index was damaged, or could only be opened now; continue from `indexed`,
 * which has changed. `storage_full`, `storage_failed`: the disk; try again later.
 */
export type NotDone =
  | { readonly type: 'reopened' }
  | { readonly type: 'storage_full' }
  | { readonly type: 'storage_failed'; readonly error: Error };

export type Added = { readonly type: 'added' } | NotDone;

/** `isDone`: false if another call is needed to drop more. */
export type Removed = { readonly type: 'removed'; readonly isDone: boolean } | NotDone;

export type Hits = Found | NotDone;

export class SearchIndex {
  readonly #options: SearchIndexOptions;
  readonly #partSize: number;
  #open: SearchDb | undefined;
  #indexed = 0;
  #lastWarning: string | undefined;

  constructor(options: SearchIndexOptions) {
    this.#options = options;
    this.#partSize = options.partSize ?? PART_SIZE;
    this.#reopen();
  }

  /** The log's entries up to this id are indexed. Read it before each `add`, because a fault resets it. */
  get indexed(): number {
    return this.#indexed;
  }

  /** Indexes the messages after `indexed` up to `through`, in the order of their ids, all or none. */
  add(rows: readonly IndexRow[], through: number): Added {
    let last = this.#indexed;
    for (const { id } of rows) {
      if (id <= last || id > through)
        throw new RangeError(`id ${id} is not after ${last} and up to ${through}`);
      last = id;
    }
    return this.#change((open) => {
      const { db, parts } = open;
      let part = parts.at(-1);
      for (const row of rows) {
        if (part === undefined || this.#isComplete(part, row)) {
          part?.save();
          part = SearchPart.create(db, part, row.id);
          parts.push(part);
        }
        part.since ??= row.at;
        part.add(row, row.text);
      }
      part?.save();
      db.prepare('UPDATE state SET indexed = ?').run(through);
      open.indexed = through;
      return { type: 'added' };
    });
  }

  /**
   * Nothing below this id is found from now on. At most one part is dropped per call: the words of a removed message
   * stay in the file until its whole part has expired.
   */
  remove(below: number): Removed {
    return this.#change((open) => {
      const { db, parts } = open;
      if (below > open.floor) db.prepare('UPDATE state SET floor = ?').run(below);
      open.floor = Math.max(open.floor, below);
      const expired = parts.filter(({ lastId }) => lastId < below);
      expired[0]?.drop();
      if (expired.length > 0) parts.shift();
      return { type: 'removed', isDone: expired.length < 2 };
    });
  }

  find(search: Search): Hits {
    return this.#run((open) => searchParts(open, search));
  }

  close(): void {
    closeQuietly(this.#open?.db);
    this.#open = undefined;
  }

  /** Ids are microseconds, but they hardly advance while the clock is behind the last one. */
  #isComplete({ size, firstId, since }: SearchPart, { id, at }: IndexRow): boolean {
    const spanMs = Math.max((id - firstId) / 1_000, at - (since ?? at));
    return size >= this.#partSize || spanMs >= PART_SPAN_MS;
  }

  /** A failed change leaves the lists in `open` wrong, so the file MUST be, and is, reopened. */
  #change<T>(work: (open: SearchDb) => T): T | NotDone {
    return this.#run((open) => {
      try {
        open.db.exec('BEGIN IMMEDIATE');
        const value = work(open);
        open.db.exec('COMMIT');
        this.#indexed = open.indexed;
        this.#lastWarning = undefined;
        return value;
      } catch (error) {
        throw asDamage(error);
      }
    });
  }

  #run<T>(work: (open: SearchDb) => T): T | NotDone {
    const indexed = this.#indexed;
    const open = this.#open ?? this.#reopen();
    if (open instanceof Error) return notDone(open);
    if (this.#indexed !== indexed) return { type: 'reopened' };
    try {
      return work(open);
    } catch (error) {
      if (isDamage(error)) {
        const made = this.#rebuild(error.message);
        return made instanceof Error ? notDone(made) : { type: 'reopened' };
      }
      this.#reopen();
      if (!isStorageFault(error)) throw error;
      this.#warnOnce(`${this.#options.file} cannot be used: ${error.message}; search results are incomplete`);
      return notDone(error);
    }
  }

  #reopen(): SearchDb | Error {
    this.close();
    const { file, has } = this.#options;
    try {
      this.#open = openSearchDb(file, has);
      this.#indexed = this.#open.indexed;
      return this.#open;
    } catch (error) {
      if (isDamage(error)) return this.#rebuild(error.message);
      if (!isStorageFault(error)) throw error;
      this.#warnOnce(`${file} cannot be opened: ${error.message}; search is unavailable`);
      return error;
    }
  }

  #rebuild(reason: string): SearchDb | Error {
    this.close();
    const { file, has } = this.#options;
    this.#indexed = 0;
    this.#warnOnce(`rebuilding ${file} from the log: ${reason}`);
    try {
      deleteSearchDb(file);
      this.#open = openSearchDb(file, has);
      return this.#open;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#warnOnce(
        `${file} cannot be rebuilt: ${error.message}; delete it; search is unavailable until then`,
      );
      return error;
    }
  }

  #warnOnce(text: string): void {
    if (text !== this.#lastWarning) this.#options.warn(text);
    this.#lastWarning = text;
  }
}

function notDone(error: Error): NotDone {
  return isDiskFull(error) ? { type: 'storage_full' } : { type: 'storage_failed', error };
}
