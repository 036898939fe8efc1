/** A file's next content, whole in a temporary file beside it, before it takes the place of the old. */

import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

export type Staged = {
  /** Open for writing; after `commit` it is the file at the path. */
  readonly handle: FileHandle;
  /** Puts the content at the path in one step. Throws the error of the file system. */
  commit(): Promise<void>;
  /** Closes the handle, and removes the temporary file if it has not taken its place. */
  end(): Promise<void>;
};

/**
 * Readable by the owner only. Throws the error of the file system, and then leaves nothing behind. One caller at a
 * time for a path: what an earlier run left unfinished is replaced.
 */
export async function stageFile(path: string, content: string): Promise<Staged> {
  const temporary = join(dirname(path), `.${basename(path)}.tmp`);
  await rm(temporary, { force: true });
  const handle = await open(temporary, 'wx', 0o600);
  const end = async () => {
    await handle.close();
    await rm(temporary, { force: true });
  };
  try {
    await handle.writeFile(content);
  } catch (error) {
    await end();
    throw error;
  }
  return { handle, commit: () => rename(temporary, path), end };
}
