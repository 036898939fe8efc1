/** Folders, made with their parents. */

import { existsSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Creates the folder and the parents that are missing, all with `mode`. Throws what the system says, also where something that
 * is no folder is in the way. `mkdirSync` with `recursive` tries for ever where a file system cannot have new folders: /proc/x.
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
    // Somebody else may have made it meanwhile.
    if (!existsSync(folder)) throw error;
  }
}
