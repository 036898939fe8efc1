/** `chat.db`: how it is opened, and its prepared statements. */

import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { secureDatabase } from '../files/data-file.ts';
import { syncFolder } from '../files/sync-folder.ts';
import { ENTRY, integer } from './entry-row.ts';
import { Retention } from './retention.ts';
import { MIGRATIONS, SCHEMA_VERSION } from './schema.ts';

/**
 * The write-ahead log is moved into the database by the archive's thread, four times a second. If that falls
 * behind, SQLite does it at the end of a commit once the log has this many pages of 4 KiB, about 32 MiB.
 */
const WAL_PAGES = 8_192;
export const BUSY_TIMEOUT_MS = 5_000;
const CHECKPOINT_PAUSE_MS = 5;
export const WAL_LIMIT_BYTES = 64 * 1_024 * 1_024;

/** An open `chat.db` and its prepared statements. */
export interface ChatDb {
  readonly db: DatabaseSync;
  readonly lastId: StatementSync;
  readonly addEntry: StatementSync;
  readonly addKey: StatementSync;
  readonly findKey: StatementSync;
  readonly readAfter: StatementSync;
  readonly readNewest: StatementSync;
  readonly readOne: StatementSync;
  readonly addRoom: StatementSync;
  readonly findRoom: StatementSync;
  readonly addPair: StatementSync;
  readonly findPair: StatementSync;
  readonly addMember: StatementSync;
  readonly endMember: StatementSync;
  readonly accounts: StatementSync;
  readonly members: StatementSync;
  readonly memberIds: StatementSync;
  readonly addAccount: StatementSync;
  readonly retireAccount: StatementSync;
  readonly readSeen: StatementSync;
  readonly writeSeen: StatementSync;
  readonly countUnplaced: StatementSync;
  readonly place: StatementSync;
  readonly setPlaced: StatementSync;
  readonly position: StatementSync;
  readonly setPosition: StatementSync;
  readonly retention: Retention;
}

/**
 * Opens or creates the database, migrates it to the present version, and makes sure that everything in it is on disk. Throws
 * if that fails.
 */
export function openChatDb(file: string): ChatDb {
  secureDatabase(file);
  const db = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
  try {
    prepare(db);
    emptyWal(db);
    syncFolder(file);
    return withStatements(db);
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Sets the pragmas and runs the missing migrations, each in a transaction of its own: a process that dies goes on at the next start. */
function prepare(db: DatabaseSync): void {
  db.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA temp_store = MEMORY;
    PRAGMA foreign_keys = OFF;
    PRAGMA wal_autocheckpoint = ${WAL_PAGES};
    PRAGMA journal_size_limit = ${WAL_LIMIT_BYTES};
  `);
  const version = integer(db.prepare('PRAGMA user_version').get()?.user_version);
  if (version > SCHEMA_VERSION) {
    throw new Error(
      `its version is ${version}, and this Parley knows versions up to ${SCHEMA_VERSION}: use a newer one`,
    );
  }
  for (const [before, step] of MIGRATIONS.entries()) {
    if (before >= version) db.exec(`BEGIN IMMEDIATE; ${step} PRAGMA user_version = ${before + 1}; COMMIT`);
  }
}

function withStatements(db: DatabaseSync): ChatDb {
  return {
    db,
    lastId: db.prepare('SELECT max(id) AS id FROM entries'),
    addEntry: db.prepare(
      `INSERT INTO entries (id, conversation, kind, account, text, shard, number, at, about, data)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    addKey: db.prepare('INSERT INTO keys VALUES (?, ?, ?)'),
    findKey: db.prepare('SELECT id FROM keys WHERE account = ? AND key = ?'),
    readAfter: db.prepare(`${ENTRY} WHERE e.id > ? ORDER BY e.id LIMIT ?`),
    readNewest: db.prepare(`${ENTRY} ORDER BY e.id DESC LIMIT ?`),
    readOne: db.prepare(`${ENTRY} WHERE e.id = ?`),
    addRoom: db.prepare('INSERT INTO conversations (room, folded) VALUES (?, ?) ON CONFLICT DO NOTHING'),
    findRoom: db.prepare('SELECT id, room FROM conversations WHERE folded = ?'),
    addPair: db.prepare('INSERT INTO conversations (low, high) VALUES (?, ?)'),
    findPair: db.prepare('SELECT id FROM conversations WHERE low = ? AND high = ?'),
    addMember: db.prepare('INSERT INTO members VALUES (?, ?, ?, NULL)'),
    endMember: db.prepare(
      'UPDATE members SET to_id = ? WHERE account = ? AND conversation = ? AND to_id IS NULL',
    ),
    accounts: asArrays(
      db.prepare('SELECT id, name, guest FROM accounts WHERE id > ? AND retired = 0 ORDER BY id'),
    ),
    members: db.prepare(
      `SELECT m.conversation, m.account, m.from_id, c.room FROM members m JOIN conversations c ON c.id = m.conversation
       WHERE m.to_id IS NULL ORDER BY m.from_id`,
    ),
    memberIds: db.prepare('SELECT DISTINCT account FROM members WHERE to_id IS NULL'),
    addAccount: db.prepare('INSERT INTO accounts (name, folded, guest) VALUES (?, ?, ?)'),
    retireAccount: db.prepare('UPDATE accounts SET retired = 1 WHERE id = ?'),
    readSeen: db.prepare('SELECT id FROM seen WHERE account = ?'),
    writeSeen: db.prepare(
      'INSERT INTO seen VALUES (?, ?) ON CONFLICT DO UPDATE SET id = excluded.id WHERE excluded.id > id',
    ),
    countUnplaced: db.prepare('SELECT count(*) AS count FROM entries WHERE id > (SELECT id FROM placed)'),
    place: db.prepare(
      `INSERT INTO places SELECT conversation, id FROM entries
       WHERE id > (SELECT id FROM placed) ORDER BY conversation, id`,
    ),
    setPlaced: db.prepare('UPDATE placed SET id = (SELECT max(id) FROM entries)'),
    position: db.prepare('SELECT position FROM log'),
    setPosition: db.prepare('UPDATE log SET position = ?'),
    retention: new Retention(db),
  };
}

/** A million rows as arrays take half the time of a million objects. */
export function asArrays(statement: StatementSync): StatementSync {
  statement.setReturnArrays(true);
  return statement;
}

export function* rows(statement: StatementSync, ...values: number[]): Iterable<readonly unknown[]> {
  for (const row of statement.iterate(...values)) if (Array.isArray(row)) yield row;
}

/**
 * After a failed sync the kernel may mark pages as clean that never reached the disk, and the write-ahead log may have a hole
 * that no later sync fills. An earlier process may have met such a failure, so the whole log is written once more, into the
 * database, and starts empty.
 */
function emptyWal(db: DatabaseSync): void {
  const checkpoint = db.prepare('PRAGMA wal_checkpoint(TRUNCATE)');
  const deadline = performance.now() + BUSY_TIMEOUT_MS;
  // SQLite waits for readers and writers, but not for another checkpoint, such as one of the archive's thread.
  while (checkpoint.get()?.busy !== 0) {
    if (performance.now() >= deadline) throw new Error('somebody else is using it');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, CHECKPOINT_PAUSE_MS);
  }
}
