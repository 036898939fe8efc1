/**
 * A lock on a path, so that two clients do not write to one display: an exclusive transaction on an empty SQLite
 * file beside it. The operating system lets go of it when the process ends, however it ends; the empty file stays.
 */

import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

const SQLITE_BUSY = 5;

export type Locked =
  | { readonly type: 'locked'; release(): void }
  | { readonly type: 'held' }
  | { readonly type: 'failed'; readonly error: unknown };

export function lockFile(path: string): Locked {
  let database: DatabaseSync | undefined;
  try {
    const opened = new DatabaseSync(path);
    database = opened;
    // In memory, because a journal would be a second file beside the display.
    opened.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return { type: 'locked', release: () => opened.close() };
  } catch (error) {
    database?.close();
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY)
      return { type: 'held' };
    return { type: 'failed', error: database === undefined ? reasonNotOpened(path, error) : error };
  }
}

/** SQLite only says that it could not open the file; the file system says why. */
function reasonNotOpened(path: string, error: unknown): unknown {
  try {
    closeSync(openSync(path, 'a'));
    return error;
  } catch (reason) {
    return reason;
  }
}
