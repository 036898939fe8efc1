/** The tokens' SQLite file: its tables and statements, and how its failures are handled. */

import { renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { secureDatabase, UnusableFile } from '../files/data-file.ts';
import { Placement } from '../files/placement.ts';
import { syncFolder } from '../files/sync-folder.ts';
import { Damaged, faultOf, isUnreadable } from './tokens-fault.ts';

const SCHEMA_VERSION = 1;
/**
 * - `expires` is in ms since 1970. It is the last use plus the lifetime, so it also gives the order of uses.
 * - `spare` is empty: see `makeSpare`.
 */
const SCHEMA = `
CREATE TABLE tokens (
  id INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  user TEXT NOT NULL,
  fingerprint BLOB NOT NULL,
  expires INTEGER NOT NULL
) STRICT;
CREATE INDEX tokens_by_user ON tokens (user, expires);
CREATE INDEX tokens_by_expiry ON tokens (expires);
CREATE TABLE spare (bytes BLOB NOT NULL) STRICT;
`;
/** Pages of 4 KiB reserved so that tokens can be revoked on a full disk. */
const SPARE_PAGES = 16;
/** A larger file, above 100 MB, is not checked at start, because that would take longer than half a second. */
const MAX_CHECKED_PAGES = 25_000;
const WARN_INTERVAL_MS = 3_600_000;

/** The outcome of work on the file. `storage_failed`: it is unknown whether any of it is on disk. */
export type WorkResult<T> =
  | { readonly type: 'done'; readonly value: T }
  | { readonly type: 'storage_full' | 'storage_failed' };

/** The file while it is open. */
export interface OpenTokens {
  readonly db: DatabaseSync;
  /** hash, user, fingerprint, expires */
  readonly add: StatementSync;
  /** user, how many of the most recently used to keep */
  readonly evict: StatementSync;
  /** new expiry, minimum difference, hash, user, fingerprint, now → `isStale`: 1 if the expiry should be extended */
  readonly find: StatementSync;
  /** expires, hash */
  readonly extend: StatementSync;
  /** latest expiry, maximum count: later expiries are reduced to this one */
  readonly shorten: StatementSync;
  /** hash */
  readonly remove: StatementSync;
  /** user */
  readonly removeAll: StatementSync;
  /** user, maximum count → `user`: users with tokens, in order, after that user */
  readonly users: StatementSync;
  /** now, maximum count */
  readonly sweep: StatementSync;
}

export class TokensDb {
  readonly #path: string;
  readonly #warn: (text: string) => void;
  readonly #warnedAt = new Map<string, number>();
  #folder: Placement | undefined;
  #open: OpenTokens | undefined;
  #placement: Placement | undefined;

  /** `warn` is called with problems, for people; at most once an hour per cause. */
  constructor(path: string, warn: (text: string) => void) {
    this.#path = path;
    this.#warn = warn;
  }

  /**
   * Runs work on the file. Opens the file if necessary, and starts a new one if it is damaged. Damage must show twice,
   * because SQLite also reports a file as malformed after a single failed read (SQLITE_IOERR_CORRUPTFS).
   */
  use<T>(work: (open: OpenTokens) => T): WorkResult<T> {
    let used = this.#try(work);
    if (used.type === 'damaged') used = this.#try(work);
    if (used.type !== 'damaged') return used;
    if (!this.#renameDamaged(used.reason)) return { type: 'storage_failed' };
    const anew = this.#try(work);
    return anew.type === 'damaged' ? { type: 'storage_failed' } : anew;
  }

  close(): void {
    try {
      this.#open?.db.close();
    } catch {
      // It holds no lock that reopening would wait for, and reopening reports what is wrong.
    }
    this.#open = undefined;
  }

  #try<T>(
    work: (open: OpenTokens) => T,
  ): WorkResult<T> | { readonly type: 'damaged'; readonly reason: string } {
    try {
      this.#open ??= this.#openInPlace();
      const value = work(this.#open);
      const misplaced = this.#placement?.faultIfDue();
      if (misplaced !== undefined) throw new UnusableFile(misplaced);
      return { type: 'done', value };
    } catch (error) {
      const fault = faultOf(error);
      // After any other failure the state of the connection is unknown.
      if (fault.type !== 'storage_full' || !this.#rollback()) this.close();
      if (fault.type === 'damaged') return { type: 'damaged', reason: fault.reason };
      const consequence = 'until this is fixed, logins get no token and logouts are refused';
      this.#warnOnce(fault.reason, `${this.#path} cannot be used (${fault.reason}); ${consequence}`);
      return { type: fault.type };
    }
  }

  /** A file that replaced the open one is accepted as at a start, but never one in another folder. */
  #openInPlace(): OpenTokens {
    const misplaced = this.#folder?.fault();
    if (misplaced !== undefined) throw new UnusableFile(misplaced);
    const opened = open(this.#path);
    this.#folder ??= new Placement(dirname(this.#path), []);
    this.#placement = Placement.of(this.#path, `${this.#path}-wal`);
    return opened;
  }

  #rollback(): boolean {
    try {
      if (this.#open?.db.isTransaction) this.#open.db.exec('ROLLBACK');
      return true;
    } catch {
      return false;
    }
  }

  /** False if it cannot be renamed. SQLite removes a leftover log when it finds an empty database beside it. */
  #renameDamaged(reason: string): boolean {
    const newName = `${this.#path}.damaged-${new Date().toISOString().replaceAll(':', '-')}`;
    try {
      renameSync(this.#path, newName);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#warnOnce(why, `${this.#path} is damaged (${reason}) and cannot be renamed: ${why}`);
      return false;
    }
    this.#warn(
      `${this.#path} is damaged (${reason}) and was renamed to ${newName}; users have to log in with their passwords again`,
    );
    return true;
  }

  #warnOnce(cause: string, text: string): void {
    const now = performance.now();
    if (now - (this.#warnedAt.get(cause) ?? Number.NEGATIVE_INFINITY) < WARN_INTERVAL_MS) return;
    this.#warnedAt.set(cause, now);
    this.#warn(text);
  }
}

/** All or nothing. */
export function inTransaction({ db }: OpenTokens, work: () => void): void {
  db.exec('BEGIN IMMEDIATE');
  work();
  db.exec('COMMIT');
}

/** Runs work that a power cut may undo, in a hundredth of the time. The death of the process does not undo it. */
export function unsynced<T>({ db }: OpenTokens, work: () => T): T {
  db.exec('PRAGMA synchronous = NORMAL');
  try {
    return work();
  } finally {
    db.exec('PRAGMA synchronous = FULL');
  }
}

/** Copies the write-ahead log into the database. The next write starts the log again, in the space it already has. */
export function checkpoint({ db }: OpenTokens): void {
  db.exec('PRAGMA wal_checkpoint');
}

/** Reserves room for later if there is not enough: see `makeSpare`. */
export function ensureSpare({ db }: OpenTokens): void {
  if (number(db, 'freelist_count') < SPARE_PAGES) makeSpare(db);
}

/**
 * Creates free pages in the database, and a log of that length. Then neither a checkpoint nor the writes after it need
 * space on the disk, because they start at the beginning of the log.
 */
function makeSpare(db: DatabaseSync): void {
  const bytes = SPARE_PAGES * 4_096;
  db.exec(`DELETE FROM spare; INSERT INTO spare VALUES (zeroblob(${bytes})); PRAGMA wal_checkpoint`);
  db.exec('DELETE FROM spare; PRAGMA wal_checkpoint');
}

function open(path: string): OpenTokens {
  secureDatabase(path);
  const db = new DatabaseSync(path, { timeout: 100 });
  try {
    prepareFile(db);
    syncFolder(path);
    return prepareStatements(db);
  } catch (error) {
    db.close();
    throw isUnreadable(error) ? new Damaged(error.message) : error;
  }
}

function prepareFile(db: DatabaseSync): void {
  // Nobody else uses the file. In exclusive mode the log needs no shared-memory file, for which a full disk has no
  // room.
  db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  const version = number(db, 'user_version');
  if (version === 0) db.exec(`BEGIN IMMEDIATE; ${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
  else if (version !== SCHEMA_VERSION) {
    throw new Damaged(`its version is ${version}, but this Parley supports version ${SCHEMA_VERSION}`);
  }
  // Undetected damage may show only as tokens that are never found, without an error.
  if (number(db, 'page_count') <= MAX_CHECKED_PAGES) {
    const verdict = db.prepare('PRAGMA quick_check(1)').get()?.quick_check;
    if (verdict !== 'ok') throw new Damaged(String(verdict).replaceAll('\n', ' '));
  }
  try {
    makeSpare(db);
  } catch (error) {
    // On a full disk tokens can still be checked.
    if (faultOf(error).type !== 'storage_full') throw error;
  }
}

/** The value of a pragma. */
function number(db: DatabaseSync, pragma: string): number {
  return Number(db.prepare(`PRAGMA ${pragma}`).get()?.[pragma]);
}

function prepareStatements(db: DatabaseSync): OpenTokens {
  return {
    db,
    add: db.prepare('INSERT INTO tokens (hash, user, fingerprint, expires) VALUES (?, ?, ?, ?)'),
    evict: db.prepare(
      `DELETE FROM tokens WHERE id IN
       (SELECT id FROM tokens WHERE user = ? ORDER BY expires DESC, id DESC LIMIT -1 OFFSET ?)`,
    ),
    find: db.prepare(
      `SELECT ? - expires >= ? AS isStale FROM tokens
       WHERE hash = ? AND user = ? AND fingerprint = ? AND expires > ?`,
    ),
    extend: db.prepare('UPDATE tokens SET expires = ? WHERE hash = ?'),
    shorten: db.prepare(
      'UPDATE tokens SET expires = ?1 WHERE id IN (SELECT id FROM tokens WHERE expires > ?1 LIMIT ?2)',
    ),
    remove: db.prepare('DELETE FROM tokens WHERE hash = ?'),
    removeAll: db.prepare('DELETE FROM tokens WHERE user = ?'),
    users: db.prepare('SELECT DISTINCT user FROM tokens WHERE user > ? ORDER BY user LIMIT ?'),
    sweep: db.prepare(
      'DELETE FROM tokens WHERE id IN (SELECT id FROM tokens WHERE expires <= ? ORDER BY expires LIMIT ?)',
    ),
  };
}
