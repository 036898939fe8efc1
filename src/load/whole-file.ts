/** Files that others may read at any moment: the old one or the new one, whole. */

import { open, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

export type Written =
  | { readonly type: 'written' }
  /** `text` is a sentence for people. What was at the path is still there. */
  | { readonly type: 'unwritable'; readonly text: string };

/** Puts a file with this text in the place of `path`. What is no plain file, such as `/dev/stdout`, is written to. */
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

/** What a failed call of the file system means, for people. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'there is no such file or folder';
  if (code === 'EISDIR') return 'it is a folder';
  if (code === 'EACCES' || code === 'EPERM') return 'it is not permitted';
  if (code === 'ENOSPC') return 'the disk is full';
  return error instanceof Error ? error.message : String(error);
}

async function replace(path: string, text: string): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
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
    await rm(temporary, { force: true });
    throw error;
  }
}
