/** What is at a path that the display is about to write to, and sentences for what the file system answers. */

import { lstat, open, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

/** `special` is what is not a file and not a link, such as a folder or a device: it is never replaced. */
export type Occupant = 'nothing' | 'ours' | 'foreign' | 'special';

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
  try {
    const status = await lstat(path);
    // Only a link that leads nowhere is still a link here.
    if (status.isSymbolicLink()) return 'foreign';
    if (!status.isFile()) return 'special';
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 'nothing';
    throw error;
  }
  const handle = await open(path, 'r');
  try {
    const expected = Buffer.from(marker);
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(expected.length), 0, expected.length, 0);
    return buffer.subarray(0, bytesRead).equals(expected) ? 'ours' : 'foreign';
  } finally {
    await handle.close();
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
