/**
 * One part of the search index: the words of some ten thousand consecutive messages of the log.
 *
 * A search goes from part to part, newest first, and can stop in between. This bounds the work FTS5 does at once: for a
 * prefix (`be*`) it gathers all messages of a part before it returns the first, and two words that are frequent but
 * never occur in the same message are compared through the whole part. An expired part is dropped as a whole.
 *
 * Rows are numbered from 1, because ids are far apart and FTS5 stores their differences with each word. Neither the
 * text nor the number of words per row is stored, because the latter is used only for ranking.
 */

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { wordsOf } from './words.ts';

export interface IndexedMessage {
  readonly id: number;
  readonly conversation: number;
}

/** The index contains something impossible. */
export class Damage extends Error {}

/** The list of parts in `search.db`. */
export const PARTS_TABLE = `
CREATE TABLE parts (
  part INTEGER PRIMARY KEY,
  first_id INTEGER NOT NULL,
  last_id INTEGER NOT NULL,
  size INTEGER NOT NULL
) STRICT;
`;

export class SearchPart {
  readonly #db: DatabaseSync;
  readonly #part: number;
  #find: StatementSync | undefined;
  #insertWords: StatementSync | undefined;
  #insertPlace: StatementSync | undefined;
  #idOfRow: StatementSync | undefined;
  firstId: number;
  lastId: number;
  /** Number of messages. */
  size: number;
  /** The time of the first message added since the index was opened. */
  since: number | undefined;

  private constructor(db: DatabaseSync, part: number, firstId: number, lastId: number, size: number) {
    this.#db = db;
    this.#part = part;
    this.firstId = firstId;
    this.lastId = lastId;
    this.size = size;
  }

  /** All parts, oldest first. */
  static all(db: DatabaseSync): SearchPart[] {
    const parts = db.prepare('SELECT part, first_id, last_id, size FROM parts ORDER BY part').all();
    return parts.map(
      ({ part, first_id, last_id, size }) =>
        new SearchPart(db, integer(part), integer(first_id), integer(last_id), integer(size)),
    );
  }

  /** Creates a part after `previous`, whose first message will be `firstId`. */
  static create(db: DatabaseSync, previous: SearchPart | undefined, firstId: number): SearchPart {
    const part = (previous === undefined ? 0 : previous.#part) + 1;
    // Words arrive folded and separated by spaces; "ascii" leaves them unchanged.
    db.exec(`
      CREATE VIRTUAL TABLE words_${part} USING fts5(text, conversation, content='', columnsize=0, tokenize='ascii');
      CREATE TABLE places_${part} (row INTEGER PRIMARY KEY, id INTEGER NOT NULL, conversation INTEGER NOT NULL) STRICT;
    `);
    return new SearchPart(db, part, firstId, firstId, 0);
  }

  /** Messages must arrive in the order of their ids. */
  add({ id, conversation }: IndexedMessage, text: string): void {
    this.#insertWords ??= this.#prepare(
      `INSERT INTO words_${this.#part} (rowid, text, conversation) VALUES (?, ?, ?)`,
    );
    this.#insertPlace ??= this.#prepare(`INSERT INTO places_${this.#part} VALUES (?, ?, ?)`);
    const row = this.size + 1;
    const words = Array.from(wordsOf(text), ({ folded }) => folded).join(' ');
    this.#insertWords.run(row, words, conversationWord(conversation));
    this.#insertPlace.run(row, id, conversation);
    this.size = row;
    this.lastId = id;
  }

  /** Records the additions in the list of parts. */
  save(): void {
    this.#prepare('REPLACE INTO parts VALUES (?, ?, ?, ?)').run(
      this.#part,
      this.firstId,
      this.lastId,
      this.size,
    );
  }

  /** Matches of the expression with smaller ids, newest first. */
  *find(match: string, before: number): Generator<IndexedMessage, undefined> {
    this.#find ??= this.#prepare(
      `SELECT p.id, p.conversation FROM words_${this.#part} w LEFT JOIN places_${this.#part} p ON p.row = w.rowid
       WHERE w.words_${this.#part} MATCH ? AND w.rowid <= ? ORDER BY w.rowid DESC`,
    );
    const last = before > this.lastId ? this.size : this.#countBelow(before);
    let previous = Math.min(before, this.lastId + 1);
    for (const row of this.#find.iterate(match, last)) {
      const id = integer(row.id);
      if (id >= previous || id < this.firstId) throw new Damage('its ids are not in order');
      yield { id, conversation: integer(row.conversation) };
      previous = id;
    }
  }

  drop(): void {
    this.#db.exec(`
      DROP TABLE words_${this.#part};
      DROP TABLE places_${this.#part};
      DELETE FROM parts WHERE part = ${this.#part};
    `);
  }

  /** The number of rows with a smaller id: ids rise with rows. */
  #countBelow(id: number): number {
    this.#idOfRow ??= this.#prepare(`SELECT id FROM places_${this.#part} WHERE row = ?`);
    let below = 0;
    let from = this.size;
    while (below < from) {
      const middle = Math.ceil((below + from) / 2);
      if (integer(this.#idOfRow.get(middle)?.id) < id) below = middle;
      else from = middle - 1;
    }
    return below;
  }

  /** If a statement cannot be prepared, its tables are missing. */
  #prepare(sql: string): StatementSync {
    try {
      return this.#db.prepare(sql);
    } catch (cause) {
      throw new Damage(cause instanceof Error ? cause.message : String(cause), { cause });
    }
  }
}

/** A conversation as a word of the column `conversation`. */
export function conversationWord(conversation: number): string {
  return `c${conversation}`;
}

function integer(value: unknown): number {
  if (!Number.isSafeInteger(value) || typeof value !== 'number') throw new Damage('a number is missing');
  return value;
}
