/**
 * A lock on a path, so that two clients do not write to one display: an exclusive transaction on an empty SQLite
 * file. The operating system lets go of it when the process ends, however it ends. Whoever releases it removes the
 * file; one of a killed client stays, and is taken over by the next.
 */

import { closeSync, openSync, rmSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

const SQLITE_BUSY = 5;
/** A further try is needed only where another client ends in that very instant. */
const TRIES = 5;

export type Locked =
  | { readonly type: 'locked'; release(): void }
  | { readonly type: 'held' }
  | { readonly type: 'failed'; readonly error: unknown };

export function lockFile(path: string): Locked {
  for (let tries = 0; tries < TRIES; tries += 1) {
    try {
      closeSync(openSync(path, 'a', 0o600));
      const before = identify(path);
      const database = new DatabaseSync(path);
      if (!lock(database)) return { type: 'held' };
      if (identify(path) === before)
        return { type: 'locked', release: () => release(path, before, database) };
      // Its holder removed this file while we opened it: it locks nothing.
      database.close();
    } catch (error) {
      return { type: 'failed', error };
    }
  }
  return { type: 'held' };
}

/** False, and the database is closed, where another process has it. */
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

/** Removes the file first: once it is let go of, it may be somebody else's lock. */
function release(path: string, identity: string, database: DatabaseSync): void {
  try {
    if (identify(path) === identity) rmSync(path);
  } catch {
    // It stays where it cannot be removed.
  }
  database.close();
}

/** Which file is at the path; empty if there is none. */
function identify(path: string): string {
  const status = statSync(path, { bigint: true, throwIfNoEntry: false });
  return status === undefined ? '' : `${status.dev} ${status.ino}`;
}
