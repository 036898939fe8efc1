/**
 * The one place that decides whether a file of the data folder may be opened: it is a regular file with one name, and
 * belongs to the user that this process runs as. Anything else could be read or changed through another name, or by
 * somebody else. What may be opened is made private to its owner each time.
 *
 * The folder is private to the same user, so nobody can put another file there between the check and the opening.
 */

import { chmodSync, closeSync, constants, lstatSync, openSync, type Stats } from 'node:fs';
import { type FileSystem, type OpenFile, statOf } from './file-system.ts';

/** What SQLite keeps beside a database, by the end of its name. */
const SIDE_FILES = ['-wal', '-shm', '-journal'];
const SQLITE_CANTOPEN = 14;

/**
 * A data file that must not be opened or used as it is. It has the fields of an error of SQLite and of the operating system: those
 * who open files treat it like any other file that cannot be opened.
 */
export class UnusableFile extends Error {
  readonly errcode = SQLITE_CANTOPEN;
  readonly code = 'EPERM';
  readonly syscall = 'open';
}

/** Why this file must not be opened, and what to do about it; undefined if it may be. */
export function faultOf(path: string, stats: Stats): string | undefined {
  if (!stats.isFile()) {
    const kind = stats.isSymbolicLink() ? 'a symbolic link' : 'not a regular file';
    return `${path} is ${kind}: put the file itself there`;
  }
  if (stats.nlink > 1) {
    return `${path} has ${stats.nlink} names (hard links), and could be read or changed through another: put a copy in its place`;
  }
  return ownerFault(path, stats);
}

/** The same of a folder or file that belongs to another user. Windows has no such owners. */
export function ownerFault(path: string, { uid }: Stats): string | undefined {
  const own = process.geteuid?.();
  if (own === undefined || own === uid) return undefined;
  return `${path} belongs to the user with id ${uid}, and this process runs as ${own}: run it as that user, or run "chown ${own} ${path}"`;
}

/** Makes a database and what lies beside it private, and an empty database if there is none. Throws `UnusableFile`. */
export function secureDatabase(path: string): void {
  if (secureIfThere(path) !== undefined) return;
  closeSync(openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600));
}

/**
 * As `secureDatabase`, for a database that somebody else in this process has open. One that is gone is not made anew, and an empty
 * file in its place is not opened: SQLite would remove the write-ahead log beside it.
 */
export function secureExistingDatabase(path: string): void {
  if (secureIfThere(path)?.size) return;
  throw new UnusableFile(`${path} is gone, or empty: put it back, or restart the server`);
}

/** Makes a database and what lies beside it private; undefined if there is no database. Throws `UnusableFile`. */
export function secureIfThere(path: string): Stats | undefined {
  for (const end of SIDE_FILES) secureFile(path + end);
  return secureFile(path);
}

/**
 * Makes a file private; undefined if there is none. By its name: to open a database that is in use and close it again would drop the
 * locks that SQLite holds on it in this process.
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

/** Opens a file that exists, to be read and changed. Throws `UnusableFile`. */
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

/** Windows has no such bits. */
export function isOpenToOthers({ mode }: Stats): boolean {
  return process.platform !== 'win32' && (mode & 0o077) !== 0;
}
