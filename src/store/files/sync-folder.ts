import { closeSync, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes sure that the folder of a database keeps the file of its write-ahead log, which has to be there by now. SQLite syncs
 * the folder when it makes that file, and passes over a failure of that: a power cut could take the file away, and all that
 * was acknowledged since. Throws if the folder cannot be synced.
 */
export function syncFolder(file: string): void {
  const folder = openSync(dirname(file), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
