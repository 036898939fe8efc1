/** Replaces files atomically, so that a reader sees either the old file or the new one. */

import { open, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

export type Written =
  | { readonly type: 'written' }
  /** `text` says why. The old file is unchanged. */
  | { readonly type: 'unwritable'; readonly text: string };

/**
 * Replaces the file at `path` by one with this text. Writes directly to anything that is not a regular file, such as
 * `/dev/stdout`.
 */
export async function writeWhole(path: string, text: string): Promise<Written> {
  try {
    const target = await realpath(path).catch(() => path);
    const isSpecial = await stat(target).then(
      (stats) => !stats.isFile(),
      () => false,
    );
    if (isSpecial) await writeFile(target, text);
    else await replace(target, text);
    return { type: 'written' };
  } catch (error) {
    return { type: 'unwritable', text: `cannot write ${path}: ${reasonOf(error)}` };
  }
}

/**
 * Says why `path` cannot be written, as far as that can be known in advance: the folder is missing, full or read-only. Returns
 * undefined if it can.
 */
export async function whyUnwritable(path: string): Promise<string | undefined> {
  if (path === '' || path.endsWith('/')) return `cannot write "${path}": it does not name a file`;
  const target = await realpath(path).catch(() => path);
  const stats = await stat(target).catch(() => undefined);
  if (stats?.isDirectory() === true) return `cannot write ${path}: it is a folder`;
  if (stats !== undefined && !stats.isFile()) return undefined;
  const temporary = temporaryOf(target);
  try {
    await writeFile(temporary, '', { flag: 'wx' });
    await rm(temporary, { force: true });
    return undefined;
  } catch (error) {
    return `cannot write ${path}: ${reasonOf(error)}`;
  }
}

/** Explains a file system error. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'no such file or folder';
  if (code === 'EISDIR') return 'it is a folder';
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied';
  if (code === 'ENOSPC') return 'the disk is full';
  if (code === 'EROFS') return 'the file system is read-only';
  return error instanceof Error ? error.message : String(error);
}

async function replace(path: string, text: string): Promise<void> {
  const temporary = temporaryOf(path);
  try {
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}

function temporaryOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
}
