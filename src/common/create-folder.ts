/** Creates folders together with their parents. */

import { existsSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Creates the folder and any missing parents, all with `mode`. Throws the system's error, also if something other than
 * a folder is in the way. `mkdirSync` with `recursive` loops for ever on file systems that cannot hold new folders,
 * such as /proc/x.
 */
export function createFolder(path: string, mode: number): void {
  const missing: string[] = [];
  for (let at = resolve(path); !existsSync(at); at = dirname(at)) missing.push(at);
  for (const folder of missing.toReversed()) makeOne(folder, mode);
  if (missing.length === 0) mkdirSync(path, { recursive: true });
}

function makeOne(folder: string, mode: number): void {
  try {
    mkdirSync(folder, mode);
  } catch (error) {
    // Another process may have created it in the meantime.
    if (!existsSync(folder)) throw error;
  }
}
