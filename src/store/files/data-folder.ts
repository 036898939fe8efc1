/** The data folder: private to its owner, and locked by one server. */

import { accessSync, constants, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createFolder } from '../../common/create-folder.ts';
import { checkFile, isOpenToOthers, ownerFault, secureIfThere, UnusableFile } from './data-file.ts';

export interface DataFolder {
  readonly usersFile: string;
  readonly chatDb: string;
  readonly searchDb: string;
  readonly tokensDb: string;
  /** Held as long as the folder is locked. */
  readonly lockDb: string;
  /** Releases the folder for another server. */
  unlock(): void;
}

export type OpenedFolder =
  | { readonly type: 'open'; readonly folder: DataFolder }
  | { readonly type: 'refused'; readonly code: FolderRefusal; readonly text: string };

/** `unsafe`: another user may read or change the folder, or a file in it. */
export type FolderRefusal = 'unusable' | 'unsafe' | 'in_use';

/** Primary result codes, https://www.sqlite.org/rescode.html */
const SQLITE_BUSY = 5;
const SQLITE_FULL = 13;

/** Creates the folder if necessary, locks it, and checks that only its owner can read it or change what is in it. */
export function openDataFolder(path: string): OpenedFolder {
  try {
    createFolder(path, 0o700);
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return refuse('unusable', `data folder ${path} cannot be used: ${reason}`);
  }
  const stats = statSync(path);
  const fault = ownerFault(path, stats);
  if (fault !== undefined) return refuse('unsafe', `data folder ${fault}`);
  if (isOpenToOthers(stats)) {
    const found = (stats.mode & 0o777).toString(8);
    return refuse(
      'unsafe',
      `data folder ${path} is accessible to other users (mode ${found}); run "chmod 700 ${path}"`,
    );
  }
  // SQLite makes paths absolute when it opens files. Absolute paths everywhere make all parts agree on which file a
  // path leads to.
  return lock(path, resolve(path));
}

/**
 * The lock is an exclusive transaction on a separate database: it ends with the process, however that ends, and works
 * where process ids do not identify processes, as in containers.
 */
function lock(path: string, absolute: string): OpenedFolder {
  const lockDb = join(absolute, 'lock.db');
  try {
    secureIfThere(lockDb);
    const db = new DatabaseSync(lockDb, { timeout: 0 });
    db.exec('BEGIN EXCLUSIVE');
    const folder = {
      usersFile: join(absolute, 'users.txt'),
      chatDb: join(absolute, 'chat.db'),
      searchDb: join(absolute, 'search.db'),
      tokensDb: join(absolute, 'tokens.db'),
      lockDb,
      unlock: () => db.close(),
    };
    const fault = faultIn(folder);
    if (fault === undefined) return { type: 'open', folder };
    folder.unlock();
    return refuse('unsafe', fault);
  } catch (error) {
    if (error instanceof UnusableFile) return refuse('unsafe', error.message);
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) {
      return refuse(
        'in_use',
        `data folder ${path} is in use by another server; stop that server, or choose another --data`,
      );
    }
    const reason = error instanceof Error ? error.message : String(error);
    const isFull = error instanceof Error && 'errcode' in error && error.errcode === SQLITE_FULL;
    const advice = isFull ? '; free some space and start again' : '';
    return refuse('unusable', `data folder ${path} cannot be locked: ${reason}${advice}`);
  }
}

/**
 * Checks all files in the folder before any of them is opened. Opening the users file warns if others had access to it.
 */
function faultIn({ usersFile, chatDb, searchDb, tokensDb }: DataFolder): string | undefined {
  try {
    checkFile(usersFile);
    for (const database of [chatDb, searchDb, tokensDb]) secureIfThere(database);
    return undefined;
  } catch (error) {
    if (error instanceof UnusableFile) return error.message;
    throw error;
  }
}

function refuse(code: FolderRefusal, text: string): OpenedFolder {
  return { type: 'refused', code, text };
}
