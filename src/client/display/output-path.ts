/** What exists at a path that the display is about to write, and readable texts for file system errors. */

import type { Stats } from 'node:fs';
import { lstat, open, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { withoutByteOrderMark } from '../../common/byte-order-mark.ts';

/** `kind` describes something that is not a regular file, such as `a folder`, and is never replaced. */
export type Occupant =
  | { readonly type: 'nothing' | 'ours' | 'foreign' }
  | { readonly type: 'special'; readonly kind: string };

/** Resolves symbolic links. Throws the file system's error, for instance if the folder does not exist. */
export async function followLinks(file: string): Promise<string> {
  try {
    return await realpath(file);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    return join(await realpath(dirname(resolve(file))), basename(file));
  }
}

/** `ours` is a file that starts with `marker`. Throws the file system's error. */
export async function inspect(path: string, marker: string): Promise<Occupant> {
  const status = await unlessMissing(lstat(path));
  if (status === undefined) return { type: 'nothing' };
  // A link that could not be resolved is dangling, or leads to something without a path, such as the pipe behind
  // /dev/stdout.
  const target = status.isSymbolicLink() ? await unlessMissing(stat(path)) : status;
  if (target?.isFile() === false) return { type: 'special', kind: kindOf(target) };
  if (status.isSymbolicLink()) return { type: 'foreign' };
  const handle = await unlessMissing(open(path, 'r'));
  if (handle === undefined) return { type: 'nothing' };
  try {
    const length = Buffer.byteLength(`\ufeff${marker}`);
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(length), 0, length, 0);
    // An editor may have added a byte order mark.
    const head = withoutByteOrderMark(buffer.toString('utf8', 0, bytesRead));
    return { type: head.startsWith(marker) ? 'ours' : 'foreign' };
  } finally {
    await handle.close();
  }
}

/** The common name of something that is not a regular file. */
function kindOf(status: Stats): string {
  if (status.isDirectory()) return 'a folder';
  if (status.isFIFO()) return 'a named pipe';
  if (status.isSocket()) return 'a socket';
  return 'a device';
}

/** Whether the open file is still the one at the path, neither removed nor replaced. */
export async function isAt(opened: Stats, path: string): Promise<boolean> {
  try {
    const found = await lstat(path);
    return opened.ino === found.ino && opened.dev === found.dev;
  } catch (error) {
    if (GONE.has(errorCode(error))) return false;
    throw error;
  }
}

const GONE: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR']);

async function unlessMissing<T>(operation: Promise<T>): Promise<T | undefined> {
  try {
    return await operation;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

export function isFull(error: unknown): boolean {
  return FULL.has(errorCode(error));
}

const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'its folder does not exist; create the folder, or choose another file',
  ENOTDIR: 'a part of its path is a file, not a folder; choose another file',
  EACCES: 'you have no permission to write there; change the permissions, or choose another file',
  EPERM: 'you have no permission to write there; change the permissions, or choose another file',
  EROFS: 'that disk is read-only; choose another file',
  ENAMETOOLONG: 'the name is too long; choose a shorter one',
  ENOSPC: 'the disk is full; free some space to continue',
  EDQUOT: 'the disk quota is used up; free some space to continue',
  EFBIG: 'the file has reached its maximum size; start the client again for a new one',
};

/** Why a file could not be written and what to do about it, phrased to follow a colon. */
export function describeFileError(error: unknown): string {
  const reason = REASONS[errorCode(error)];
  if (reason !== undefined) return reason;
  return `${error instanceof Error ? error.message : String(error)}; if it keeps failing, choose another file`;
}
