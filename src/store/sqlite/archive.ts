/**
 * Reads the log back from `chat.db`, on a connection that only reads: reading and writing never wait for each other.
 */

import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Entry } from '../../chat/entry.ts';
import { foldName, isRoomName } from '../../chat/names.ts';
import type {
  ArchiveStore,
  Found,
  HistoryPage,
  IndexRow,
  Interval,
  ReplayPage,
  TextSource,
} from '../archive-store.ts';
import { secureExistingDatabase } from '../files/data-file.ts';
import { asArrays, BUSY_TIMEOUT_MS, rows } from './chat-db.ts';
import { ENTRY, integer, MESSAGE_CODE, text, toEntry } from './entry-row.ts';
import { mergeSeries, type Series } from './merge-ids.ts';
import { read } from './storage-failure.ts';
import { type Range, UnindexedTail } from './unindexed-tail.ts';

/** An open `chat.db`, and what is asked of it. */
interface Statements {
  readonly db: DatabaseSync;
  readonly lastId: StatementSync;
  readonly firstId: StatementSync;
  readonly count: StatementSync;
  readonly intervals: StatementSync;
  readonly ids: StatementSync;
  readonly messageIds: StatementSync;
  readonly tail: UnindexedTail;
  readonly entries: StatementSync;
  readonly newestEntries: StatementSync;
  readonly texts: StatementSync;
  readonly account: StatementSync;
  readonly room: StatementSync;
  readonly pair: StatementSync;
}

export class Archive implements ArchiveStore, TextSource {
  readonly #file: string;
  #open: Statements | undefined;

  /** `file`: `chat.db`, which is opened when something is read. */
  constructor(file: string) {
    this.#file = file;
  }

  /** Opens it now rather than with the first read, which tries again and reports what fails here. */
  open(): void {
    try {
      void this.#sql;
    } catch {
      // Reading tries again.
    }
  }

  get #sql(): Statements {
    this.#open ??= openStatements(this.#file);
    return this.#open;
  }

  get lastId(): number {
    return read(() => integer(this.#sql.lastId.get()?.id ?? 0));
  }

  get firstId(): number {
    return read(() => integer(this.#sql.firstId.get()?.id ?? 0));
  }

  count(after: number, last: number): number {
    return after >= last ? 0 : read(() => integer(this.#sql.count.get(after, last)?.entries));
  }

  /** Throws an error of SQLite if it cannot be read, as the search index expects. */
  has(id: number): boolean {
    return this.#sql.entries.get(JSON.stringify([id])) !== undefined;
  }

  intervals(account: number): Interval[] {
    return read(() => this.#intervals(account));
  }

  find(account: number, name: string): Found {
    return read(() => this.#find(account, name));
  }

  replay(account: number, after: number, limit: number, bytes: number): ReplayPage {
    return read(() => this.#replay(account, after, limit, bytes));
  }

  history(intervals: readonly Interval[], before: number, limit: number, bytes: number): HistoryPage {
    return read(() => this.#history(intervals, before, limit, bytes));
  }

  read(ids: readonly number[]): Entry[] {
    return ids.length === 0 ? [] : read(() => this.#sql.entries.all(JSON.stringify(ids)).map(toEntry));
  }

  textsAfter(
    after: number,
    limit: number,
  ): { readonly texts: readonly IndexRow[]; readonly through: number } {
    return read(() => this.#textsAfter(after, limit));
  }

  close(): void {
    this.#open?.db.close();
  }

  #intervals(account: number): Interval[] {
    return this.#sql.intervals.all(account).map((row) => ({
      conversation: integer(row.conversation),
      from: integer(row.from_id),
      to: integer(row.to_id),
    }));
  }

  #find(account: number, name: string): Found {
    if (isRoomName(name)) {
      const room = this.#sql.room.get(foldName(name))?.id;
      if (room === undefined) return { type: 'refused', code: 'no_such_room' };
      const intervals = this.#intervals(account).filter(({ conversation }) => conversation === room);
      return intervals.length === 0
        ? { type: 'refused', code: 'not_a_member' }
        : { type: 'found', intervals };
    }
    const peer = this.#sql.account.get(foldName(name))?.id;
    if (peer === undefined) return { type: 'refused', code: 'no_such_user' };
    const pair = this.#sql.pair.get(Math.min(account, integer(peer)), Math.max(account, integer(peer)))?.id;
    const whole = { from: 0, to: Number.MAX_SAFE_INTEGER };
    return {
      type: 'found',
      intervals: pair === undefined ? [] : [{ conversation: integer(pair), ...whole }],
    };
  }

  #replay(account: number, after: number, limit: number, bytes: number): ReplayPage {
    // What is committed while this reads has larger ids, and comes with the next page.
    const newest = this.lastId;
    const { ids: placedIds, tail } = this.#sql;
    tail.readOn();
    const series = this.#intervals(account).map(({ conversation, from, to }): Series => {
      const last = Math.min(to, newest);
      return (behind, count) => {
        const range = { conversation, after: Math.max(behind, from - 1), last };
        if (range.after >= last) return [];
        const ids = this.#list(placedIds, range, count);
        return [...ids, ...tail.oldest(range, count - ids.length)];
      };
    });
    const ids = mergeSeries(series, after, limit);
    const entries = this.#take(this.#sql.entries, ids, bytes);
    const isLast = entries.length === ids.length && ids.length < limit;
    return { entries, through: isLast ? Math.max(newest, after) : (entries.at(-1)?.id ?? after), isLast };
  }

  #history(intervals: readonly Interval[], before: number, limit: number, bytes: number): HistoryPage {
    const { messageIds: placedIds, tail } = this.#sql;
    tail.readOn();
    const ids: number[] = [];
    for (const { conversation, from, to } of intervals.toSorted((a, b) => b.from - a.from)) {
      const range = { conversation, after: from - 1, last: Math.min(to, before - 1) };
      if (range.last <= range.after || ids.length > limit) continue;
      ids.push(...tail.newestMessages(range, limit + 1 - ids.length));
      ids.push(...this.#list(placedIds, range, limit + 1 - ids.length));
    }
    const messages = this.#take(this.#sql.newestEntries, ids.slice(0, limit), bytes);
    return { messages, isLast: messages.length === ids.length };
  }

  /** The first of these entries that fit into about this many bytes; one in any case. No more is read than that. */
  #take(statement: StatementSync, ids: readonly number[], bytes: number): Entry[] {
    const taken: Entry[] = [];
    let size = 0;
    for (const row of ids.length === 0 ? [] : statement.iterate(JSON.stringify(ids))) {
      const entry = toEntry(row);
      taken.push(entry);
      size += sizeOf(entry);
      if (size > bytes) break;
    }
    return taken;
  }

  #textsAfter(
    after: number,
    limit: number,
  ): { readonly texts: readonly IndexRow[]; readonly through: number } {
    const texts: IndexRow[] = [];
    let through = after;
    for (const [id, at, conversation, body] of rows(this.#sql.texts, after, limit)) {
      through = integer(id);
      if (body === null) continue;
      texts.push({ id: through, at: integer(at), conversation: integer(conversation), text: text(body) });
    }
    return { texts, through };
  }

  /** The ids of the range that are in `places`. */
  #list(statement: StatementSync, { conversation, after, last }: Range, limit: number): number[] {
    const placed = Math.min(last, this.#sql.tail.placed);
    if (limit <= 0 || placed <= after) return [];
    return Array.from(rows(statement, conversation, after, placed, limit), ([id]) => integer(id));
  }
}

function openStatements(file: string): Statements {
  secureExistingDatabase(file);
  const db = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
  try {
    db.exec('PRAGMA query_only = ON');
    const firstId = db.prepare('SELECT min(id) AS id FROM entries');
    return {
      db,
      lastId: db.prepare('SELECT max(id) AS id FROM entries'),
      firstId,
      count: db.prepare('SELECT count(*) AS entries FROM entries WHERE id > ? AND id <= ?'),
      intervals: db.prepare('SELECT conversation, from_id, to_id FROM visible WHERE account = ?'),
      ids: asArrays(
        db.prepare('SELECT id FROM places WHERE conversation = ? AND id > ? AND id <= ? ORDER BY id LIMIT ?'),
      ),
      messageIds: asArrays(
        db.prepare(
          `SELECT p.id FROM places p CROSS JOIN entries e ON e.id = p.id
           WHERE p.conversation = ? AND p.id > ? AND p.id <= ? AND e.kind = ${MESSAGE_CODE}
           ORDER BY p.id DESC LIMIT ?`,
        ),
      ),
      tail: new UnindexedTail({
        firstId,
        placed: db.prepare('SELECT id FROM placed'),
        entriesAfter: asArrays(
          db.prepare('SELECT id, conversation, kind FROM entries WHERE id > ? ORDER BY id'),
        ),
      }),
      entries: db.prepare(`${ENTRY} WHERE e.id IN (SELECT value FROM json_each(?)) ORDER BY e.id`),
      newestEntries: db.prepare(`${ENTRY} WHERE e.id IN (SELECT value FROM json_each(?)) ORDER BY e.id DESC`),
      texts: asArrays(
        db.prepare(
          `SELECT id, ifnull(at, id / 1000), conversation, text FROM entries
           WHERE id > ? ORDER BY id LIMIT ?`,
        ),
      ),
      account: db.prepare('SELECT id FROM accounts WHERE folded = ? AND retired = 0'),
      room: db.prepare('SELECT id FROM conversations WHERE folded = ?'),
      pair: db.prepare('SELECT id FROM conversations WHERE low = ? AND high = ?'),
    };
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Bytes that an entry takes apart from its names and its text. */
const OVERHEAD = 40;

/** About how many bytes an entry is on the wire. */
function sizeOf(entry: Entry): number {
  const to = 'peer' in entry ? entry.peerName : entry.roomName;
  return OVERHEAD + entry.user.length + to.length + ('text' in entry ? Buffer.byteLength(entry.text) : 0);
}
