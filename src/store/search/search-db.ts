/**
 * `search.db`: how it is opened, and what its faults mean.
 *
 * In WAL mode with `synchronous=NORMAL` a power cut may take back the last transactions, never a part of one: what is
 * missing is read from the log again. Nothing is synced at a commit, only when WAL is moved into the database. One
 * connection uses it, so that the exclusive mode serves, which keeps WAL's index in memory instead of a third file.
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
  /** The entries of the log up to this id have been taken in. */
  indexed: number;
  /** Nothing below this id is to be found. */
  floor: number;
}

/** Form of the tables, and what is a word: an index of another version is made anew. */
const VERSION = `1, words ${WORDS_VERSION}`;

/** A connection of a thread that ended may be about to be closed. */
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
 * Opens or creates it. `has`: whether the log has an entry with this id. Throws `Damage` if the file is of no use, and an
 * error of SQLite if it cannot be used at present.
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
    if (version !== VERSION) throw new Damage('it was made by another version');
    if (typeof indexed !== 'number' || typeof floor !== 'number') throw new Damage('its state is missing');
    if (indexed !== 0 && !has(indexed)) throw new Damage('it was made from another log');
    return { db, parts: SearchPart.all(db), indexed, floor };
  } catch (error) {
    closeQuietly(db);
    throw asDamage(error);
  }
}

/** Throws if the files cannot be deleted. */
export function deleteSearchDb(file: string): void {
  // The file itself comes last: WAL must not be left behind for the next file to be mixed with.
  for (const name of [`${file}-wal`, `${file}-shm`, `${file}-journal`, file]) rmSync(name, { force: true });
}

export function closeQuietly(db: DatabaseSync | undefined): void {
  try {
    if (db?.isOpen) db.close();
  } catch {
    // What was committed is in the file already, and a file that cannot be closed cannot be mended here.
  }
}

/** True if the disk, or whoever else has the file, is the reason: it may pass. */
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
  // An integer beyond 2^53: nobody stored one.
  return error instanceof Error && 'code' in error && error.code === 'ERR_OUT_OF_RANGE';
}

/** Where nothing but the statements of these files is run, what they do not agree with are the tables. */
export function asDamage(error: unknown): unknown {
  if (codeOf(error) !== SQLITE_ERROR || !(error instanceof Error)) return error;
  return new Damage(error.message, { cause: error });
}

/** The primary result code of an error of SQLite. */
function codeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number')
    return undefined;
  return error.errcode & 0xff;
}
