/**
 * `search.db`: how it is opened, and what its errors mean.
 *
 * In WAL mode with `synchronous=NORMAL` a power cut may undo the last transactions, but never a part of one; what is
 * missing is indexed from the log again. Nothing is synced at a commit, only when the WAL is checkpointed. A single
 * connection uses the file, so exclusive mode works, which keeps the WAL's index in memory instead of a third file.
 */

import { rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { secureDatabase } from '../files/data-file.ts';
import { isDiskFull as isSystemDiskFull, isSystemError } from '../files/file-system.ts';
import { Damage, PARTS_TABLE, SearchPart } from './search-part.ts';
import { WORDS_VERSION } from './words.ts';

export interface SearchDb {
  readonly db: DatabaseSync;
  /** Oldest first. */
  readonly parts: SearchPart[];
  /** The log's entries up to this id are indexed. */
  indexed: number;
  /** Nothing below this id may be found. */
  floor: number;
}

/** Version of the tables and of what counts as a word. An index of another version is rebuilt. */
const VERSION = `1, words ${WORDS_VERSION}`;

/** The connection of a thread that has ended may be about to close. */
const BUSY_TIMEOUT_MS = 500;

const PRAGMAS = `
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA journal_size_limit = ${16 * 1_024 * 1_024};
PRAGMA cache_size = -16384;
PRAGMA temp_store = MEMORY;
PRAGMA cell_size_check = ON;
`;

const SCHEMA = `
CREATE TABLE state (version TEXT NOT NULL, indexed INTEGER NOT NULL, floor INTEGER NOT NULL) STRICT;
${PARTS_TABLE}
`;

/** Primary result codes, https://www.sqlite.org/rescode.html */
const SQLITE_ERROR = 1;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CONSTRAINT = 19;
const SQLITE_NOTADB = 26;

/**
 * Opens or creates the file. `has`: whether the log has an entry with this id. Throws `Damage` if the file is unusable
 * for good, and an SQLite error if it is unusable at present.
 */
export function openSearchDb(file: string, has: (id: number) => boolean): SearchDb {
  secureDatabase(file);
  const db = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
  try {
    db.exec(PRAGMAS);
    if (db.prepare('SELECT count(*) AS count FROM sqlite_schema').get()?.count === 0) {
      db.exec(`BEGIN; ${SCHEMA} INSERT INTO state VALUES ('${VERSION}', 0, 0); COMMIT`);
    }
    const { version, indexed, floor } = db.prepare('SELECT version, indexed, floor FROM state').get() ?? {};
    if (version !== VERSION) throw new Damage('it was created by another version');
    if (typeof indexed !== 'number' || typeof floor !== 'number') throw new Damage('its state is missing');
    if (indexed !== 0 && !has(indexed)) throw new Damage('it was built from another log');
    return { db, parts: SearchPart.all(db), indexed, floor };
  } catch (error) {
    closeQuietly(db);
    throw asDamage(error);
  }
}

/** Throws if the files cannot be deleted. */
export function deleteSearchDb(file: string): void {
  // The database itself is deleted last: a leftover WAL must not be mixed with the next file.
  for (const name of [`${file}-wal`, `${file}-shm`, `${file}-journal`, file]) rmSync(name, { force: true });
}

export function closeQuietly(db: DatabaseSync | undefined): void {
  try {
    if (db?.isOpen) db.close();
  } catch {
    // Everything committed is already in the file, and a file that cannot be closed cannot be repaired here.
  }
}

/** True if the disk, or another process that has the file, is the reason; it may pass. */
export function isStorageFault(error: unknown): error is Error {
  const code = codeOf(error);
  return (code !== undefined && code !== SQLITE_ERROR) || isSystemError(error);
}

export function isDiskFull(error: unknown): boolean {
  return codeOf(error) === SQLITE_FULL || (isSystemError(error) && isSystemDiskFull(error));
}

/** True if the file contradicts itself. */
export function isDamage(error: unknown): error is Error {
  if (error instanceof Damage) return true;
  const code = codeOf(error);
  if (code === SQLITE_CORRUPT || code === SQLITE_NOTADB || code === SQLITE_CONSTRAINT) return true;
  // An integer beyond 2^53, which was never stored.
  return error instanceof Error && 'code' in error && error.code === 'ERR_OUT_OF_RANGE';
}

/** Only the statements in these files are run, so if SQLite rejects one, the tables are wrong. */
export function asDamage(error: unknown): unknown {
  if (codeOf(error) !== SQLITE_ERROR || !(error instanceof Error)) return error;
  return new Damage(error.message, { cause: error });
}

/** The primary result code of an SQLite error. */
function codeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number')
    return undefined;
  return error.errcode & 0xff;
}
