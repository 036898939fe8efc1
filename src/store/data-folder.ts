/** The data folder: private to its owner, and locked for one server. */

import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createFolder } from '../common/create-folder.ts';

export interface DataFolder {
  readonly usersFile: string;
  readonly chatDb: string;
  readonly searchDb: string;
  readonly tokensDb: string;
  /** Lets another server have the folder. */
  unlock(): void;
}

export type OpenedFolder =
  | { readonly type: 'open'; readonly folder: DataFolder }
  | { readonly type: 'refused'; readonly code: 'unusable' | 'not_private' | 'in_use'; readonly text: string };

/** Primary result codes, https://www.sqlite.org/rescode.html */
const SQLITE_BUSY = 5;
const SQLITE_FULL = 13;

/** Creates the folder if there is none, checks that only its owner can read it, and locks it. */
export function openDataFolder(path: string): OpenedFolder {
  try {
    createFolder(path, 0o700);
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return refuse('unusable', `data folder ${path} cannot be used: ${reason}`);
  }
  const mode = statSync(path).mode & 0o777;
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    const found = mode.toString(8);
    return refuse(
      'not_private',
      `data folder ${path} is open to others (mode ${found}): run "chmod 700 ${path}"`,
    );
  }
  return lock(path);
}

/**
 * The lock is an exclusive transaction on a database of its own: it ends with the process, however that ends,
 * and works where process ids do not tell processes apart, as in containers.
 */
function lock(path: string): OpenedFolder {
  try {
    const db = new DatabaseSync(join(path, 'lock.db'), { timeout: 0 });
    db.exec('BEGIN EXCLUSIVE');
    const folder = {
      usersFile: join(path, 'users.txt'),
      chatDb: join(path, 'chat.db'),
      searchDb: join(path, 'search.db'),
      tokensDb: join(path, 'tokens.db'),
      unlock: () => db.close(),
    };
    return { type: 'open', folder };
  } catch (error) {
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) {
      return refuse(
        'in_use',
        `data folder ${path} is in use by another server: stop that one, or give another --data`,
      );
    }
    const reason = error instanceof Error ? error.message : String(error);
    const isFull = error instanceof Error && 'errcode' in error && error.errcode === SQLITE_FULL;
    const advice = isFull ? ': free some space and start again' : '';
    return refuse('unusable', `data folder ${path} cannot be locked: ${reason}${advice}`);
  }
}

function refuse(code: 'unusable' | 'not_private' | 'in_use', text: string): OpenedFolder {
  return { type: 'refused', code, text };
}
