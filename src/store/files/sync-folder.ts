import { closeSync, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes the folder entry of a database's write-ahead log durable; the log must exist by now. SQLite syncs the folder
 * when it creates the log, but ignores errors: a power cut could then remove the log, with everything acknowledged
 * since. Throws if the folder cannot be synced.
 */
export function syncFolder(file: string): void {
  const folder = openSync(dirname(file), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
