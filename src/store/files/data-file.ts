/**
 * The one place that decides whether a file of the data folder may be opened: it must be a regular file with one name,
 * owned by the user this process runs as. Anything else could be read or changed through another name, or by someone
 * else. A file that may be opened is made private to its owner each time.
 *
 * The folder is private to the same user, so nobody can swap the file between the check and the opening.
 */

import { chmodSync, closeSync, constants, lstatSync, openSync, type Stats } from 'node:fs';
import { type FileSystem, type OpenFile, statOf } from './file-system.ts';

/** Suffixes of the files that SQLite keeps beside a database. */
const SIDE_FILES = ['-wal', '-shm', '-journal'];
const SQLITE_CANTOPEN = 14;

/**
 * A data file that must not be opened or used as it is. It has the fields of SQLite errors and system errors, so that
 * it is handled like any other file that cannot be opened.
 */
export class UnusableFile extends Error {
  readonly errcode = SQLITE_CANTOPEN;
  readonly code = 'EPERM';
  readonly syscall = 'open';
}

/** Why this file must not be opened, and what to do about it; undefined if it may be opened. */
export function faultOf(path: string, stats: Stats): string | undefined {
  if (!stats.isFile()) {
    const kind = stats.isSymbolicLink() ? 'a symbolic link' : 'not a regular file';
    return `${path} is ${kind}; replace it with the file itself`;
  }
  if (stats.nlink > 1) {
    return `${path} has ${stats.nlink} names (hard links), so it could be read or changed through another one; replace it with a copy`;
  }
  return ownerFault(path, stats);
}

/** Why a folder or file with this owner must not be used; undefined if it may be. Windows has no such owners. */
export function ownerFault(path: string, { uid }: Stats): string | undefined {
  const own = process.geteuid?.();
  if (own === undefined || own === uid) return undefined;
  return `${path} belongs to the user with id ${uid}, but this process runs as ${own}; run it as that user, or run "chown ${own} ${path}"`;
}

/**
 * Makes a database and its side files private, and creates an empty database if there is none. Throws `UnusableFile`.
 */
export function secureDatabase(path: string): void {
  if (secureIfThere(path) !== undefined) return;
  closeSync(openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600));
}

/**
 * Like `secureDatabase`, for a database that another part of this process has open. A missing database is not created
 * again, and an empty file in its place is not opened, because SQLite would remove the write-ahead log beside it.
 */
export function secureExistingDatabase(path: string): void {
  if (secureIfThere(path)?.size) return;
  throw new UnusableFile(`${path} is missing or empty; restore it, or restart the server`);
}

/** Makes a database and its side files private; undefined if there is no database. Throws `UnusableFile`. */
export function secureIfThere(path: string): Stats | undefined {
  for (const end of SIDE_FILES) secureFile(path + end);
  return secureFile(path);
}

/**
 * Makes a file private; undefined if there is none. Uses the path, because opening and closing a database that is in
 * use would drop the locks that SQLite holds on it in this process.
 */
function secureFile(path: string): Stats | undefined {
  const stats = checkFile(path);
  if (stats !== undefined && isOpenToOthers(stats)) chmodSync(path, 0o600);
  return stats;
}

/** The state of a file that may be opened; undefined if there is none. Throws `UnusableFile`. */
export function checkFile(path: string): Stats | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  const fault = stats === undefined ? undefined : faultOf(path, stats);
  if (fault !== undefined) throw new UnusableFile(fault);
  return stats;
}

/** Opens an existing file for reading and writing. Throws `UnusableFile`. */
export async function openDataFile(files: FileSystem, path: string): Promise<OpenFile> {
  const stats = await statOf(files, path);
  const fault = stats === undefined ? `${path} is gone` : faultOf(path, stats);
  if (stats === undefined || fault !== undefined) throw new UnusableFile(fault);
  const file = await files.open(path, constants.O_RDWR | constants.O_NOFOLLOW);
  try {
    if (isOpenToOthers(stats)) await file.chmod(0o600);
  } catch (error) {
    await file.close().catch(() => undefined);
    throw error;
  }
  return file;
}

/** Windows has no such mode bits. */
export function isOpenToOthers({ mode }: Stats): boolean {
  return process.platform !== 'win32' && (mode & 0o077) !== 0;
}
