/** What is at a path that the display is about to write to, and sentences for what the file system answers. */

import type { Stats } from 'node:fs';
import { lstat, open, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { withoutByteOrderMark } from '../../common/byte-order-mark.ts';

/** `kind` is what people call something that is not a file, such as `a folder`: it is never replaced. */
export type Occupant =
  | { readonly type: 'nothing' | 'ours' | 'foreign' }
  | { readonly type: 'special'; readonly kind: string };

/** The path behind symbolic links. Throws the file system's error, for instance when the folder does not exist. */
export async function followLinks(file: string): Promise<string> {
  try {
    return await realpath(file);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    return join(await realpath(dirname(resolve(file))), basename(file));
  }
}

/** Ours is a file that begins with `marker`. Throws the file system's error. */
export async function inspect(path: string, marker: string): Promise<Occupant> {
  const status = await unlessMissing(lstat(path));
  if (status === undefined) return { type: 'nothing' };
  // A link that is still one leads nowhere, or to what has no path, such as the pipe behind /dev/stdout.
  const target = status.isSymbolicLink() ? await unlessMissing(stat(path)) : status;
  if (target?.isFile() === false) return { type: 'special', kind: kindOf(target) };
  if (status.isSymbolicLink()) return { type: 'foreign' };
  const handle = await unlessMissing(open(path, 'r'));
  if (handle === undefined) return { type: 'nothing' };
  try {
    const length = Buffer.byteLength(`\ufeff${marker}`);
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(length), 0, length, 0);
    // An editor may have put a byte order mark in front.
    const head = withoutByteOrderMark(buffer.toString('utf8', 0, bytesRead));
    return { type: head.startsWith(marker) ? 'ours' : 'foreign' };
  } finally {
    await handle.close();
  }
}

/** What people call what is not a file. */
function kindOf(status: Stats): string {
  if (status.isDirectory()) return 'a folder';
  if (status.isFIFO()) return 'a named pipe';
  if (status.isSocket()) return 'a socket';
  return 'a device';
}

/** Whether an open file is the one at the path, and nobody has removed it or put another there. */
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

async function unlessMissing<T>(looking: Promise<T>): Promise<T | undefined> {
  try {
    return await looking;
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
  EACCES: 'this user may not write there; change the permissions, or choose another file',
  EPERM: 'this user may not write there; change the permissions, or choose another file',
  EROFS: 'that disk is read-only; choose another file',
  ENAMETOOLONG: 'the name is too long; choose a shorter one',
  ENOSPC: 'the disk is full; make room, and it goes on',
  EDQUOT: 'the disk quota is used up; make room, and it goes on',
  EFBIG: 'the file is as large as it may get; start the client again for a fresh one',
};

/** Why a file could not be written, and what to do, to stand after a colon. */
export function explain(error: unknown): string {
  const reason = REASONS[errorCode(error)];
  if (reason !== undefined) return reason;
  return `${error instanceof Error ? error.message : String(error)}; choose another file if it stays so`;
}
