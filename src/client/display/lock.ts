/**
 * A lock on a path, so that two clients do not write to one display: an exclusive transaction on an empty SQLite file.
 * The operating system releases it when the process ends, however it ends. The holder removes the file on release; the
 * file of a killed client remains, and the next client takes it over.
 */

import { closeSync, openSync, rmSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

const SQLITE_BUSY = 5;
/** Another attempt is needed only if another client releases the lock at this very moment. */
const MAX_ATTEMPTS = 5;

export type LockResult =
  | { readonly type: 'locked'; release(): void }
  | { readonly type: 'held' }
  | { readonly type: 'failed'; readonly error: unknown };

export function lockFile(path: string): LockResult {
  for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts += 1) {
    try {
      closeSync(openSync(path, 'a', 0o600));
      const before = identify(path);
      const database = new DatabaseSync(path);
      if (!lock(database)) return { type: 'held' };
      if (identify(path) === before)
        return { type: 'locked', release: () => release(path, before, database) };
      // The holder removed this file while we opened it, so it locks nothing.
      database.close();
    } catch (error) {
      return { type: 'failed', error };
    }
  }
  return { type: 'held' };
}

/** If another process holds the lock, closes the database and returns false. */
function lock(database: DatabaseSync): boolean {
  try {
    // In memory, because a journal would be a second file beside the display.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    database.close();
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return false;
    throw error;
  }
}

/** Removes the file before unlocking: afterwards it may be another client's lock. */
function release(path: string, identity: string, database: DatabaseSync): void {
  try {
    if (identify(path) === identity) rmSync(path);
  } catch {
    // If it cannot be removed, it stays.
  }
  database.close();
}

/** The identity of the file at the path; empty if there is none. */
function identify(path: string): string {
  const status = statSync(path, { bigint: true, throwIfNoEntry: false });
  return status === undefined ? '' : `${status.dev} ${status.ino}`;
}
