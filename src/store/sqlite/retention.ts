/**
 * Removes from `chat.db` what has become too old: keys, and with `--keep` messages.
 *
 * Entries are removed from the oldest on, in order of their ids, so that what is left is always a whole end of the log. How
 * old an entry is, its `at` tells, which is one reading of a clock that may have been wrong at that moment. Therefore
 * the log also notes now and then what its newest entry is, by a clock that has been right for an hour: an entry
 * between two such marks was committed between their times, whatever its `at` says.
 */

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { PruneLimits } from '../../chat/projection.ts';
import { integer } from './entry-row.ts';

const MARK_EVERY_MS = 60 * 60_000;

/** Entries from some id on, up to `upTo`, were committed between these times. */
interface Span {
  readonly upTo: number;
  readonly earliest: number;
  readonly latest: number;
}

/** The ids up to `through` are too old; 0 if none is. `isMore`: the next ones may be, too. */
interface Expired {
  readonly through: number;
  readonly isMore: boolean;
}

export class Retention {
  readonly #oldestKeys: StatementSync;
  readonly #oldestEntries: StatementSync;
  readonly #markBefore: StatementSync;
  readonly #markAfter: StatementSync;
  readonly #mark: StatementSync;
  readonly #dropMarks: StatementSync;
  readonly #dropKeys: StatementSync;
  readonly #dropPlaces: StatementSync;
  readonly #dropEntries: StatementSync;
  readonly #dropMembers: StatementSync;
  #markedAt = Number.NEGATIVE_INFINITY;

  constructor(db: DatabaseSync) {
    this.#oldestKeys = db.prepare(
      `SELECT k.id, ifnull(e.at, k.id / 1000) AS at FROM keys k LEFT JOIN entries e ON e.id = k.id
       ORDER BY k.id LIMIT ?`,
    );
    // The newest entry stays: ids go on from it.
    this.#oldestEntries = db.prepare(
      `SELECT id, ifnull(at, id / 1000) AS at FROM entries
       WHERE id < (SELECT max(id) FROM entries) ORDER BY id LIMIT ?`,
    );
    this.#markBefore = db.prepare('SELECT last FROM marks WHERE id < ? ORDER BY id DESC LIMIT 1');
    this.#markAfter = db.prepare('SELECT id, first FROM marks WHERE id >= ? ORDER BY id LIMIT 1');
    this.#mark = db.prepare(
      `INSERT INTO marks SELECT max(id), ?1, ?1 FROM entries HAVING max(id) IS NOT NULL
       ON CONFLICT DO UPDATE SET last = excluded.last WHERE excluded.last > last`,
    );
    this.#dropMarks = db.prepare(
      'DELETE FROM marks WHERE id < (SELECT max(id) FROM marks WHERE id < (SELECT min(id) FROM entries))',
    );
    this.#dropKeys = db.prepare('DELETE FROM keys WHERE id <= ?');
    this.#dropPlaces = db.prepare(
      'DELETE FROM places WHERE (conversation, id) IN (SELECT conversation, id FROM entries WHERE id <= ?)',
    );
    this.#dropEntries = db.prepare('DELETE FROM entries WHERE id <= ?');
    this.#dropMembers = db.prepare(
      `DELETE FROM members WHERE (account, conversation, from_id) IN
         (SELECT account, conversation, from_id FROM members
          WHERE to_id < (SELECT min(id) FROM entries) LIMIT ?)`,
    );
  }

  /** To be called in a transaction. True if there is more to remove. */
  prune({ now, keysBefore, entriesBefore, limit }: PruneLimits): boolean {
    const keys = this.#expired(this.#oldestKeys, limit, keysBefore, now);
    if (keys.through > 0) this.#dropKeys.run(keys.through);
    let isMore = keys.isMore;
    if (entriesBefore > Number.NEGATIVE_INFINITY) {
      const entries = this.#expired(this.#oldestEntries, limit, entriesBefore, now);
      if (entries.through > 0) {
        this.#dropPlaces.run(entries.through);
        this.#dropEntries.run(entries.through);
      }
      const members = Number(this.#dropMembers.run(limit).changes);
      isMore ||= entries.isMore || members === limit;
    }
    if (now - this.#markedAt >= MARK_EVERY_MS) {
      this.#markedAt = now;
      this.#mark.run(now);
      this.#dropMarks.run();
    }
    return isMore;
  }

  /** How far the oldest rows, of id and time, are all from before that time. */
  #expired(oldest: StatementSync, limit: number, before: number, now: number): Expired {
    let through = 0;
    let count = 0;
    let span: Span | undefined;
    for (const row of oldest.iterate(limit)) {
      const id = integer(row.id);
      if (span === undefined || id > span.upTo) span = this.#spanOf(id, now);
      const at = Math.max(Math.min(integer(row.at), span.latest), span.earliest);
      if (at >= before) break;
      through = id;
      count += 1;
    }
    return { through, isMore: count === limit };
  }

  #spanOf(id: number, now: number): Span {
    const before = this.#markBefore.get(id);
    const after = this.#markAfter.get(id);
    return {
      upTo: integer(after?.id ?? Number.MAX_SAFE_INTEGER),
      earliest: integer(before?.last ?? 0),
      latest: integer(after?.first ?? now),
    };
  }
}
