/** Writes a file's next content completely to a temporary file beside it, then replaces the old file in one step. */

import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

export type StagedFile = {
  /** Open for writing; after `commit` it is the file at the path. */
  readonly handle: FileHandle;
  /** Moves the content to the path in one step. Throws the file system's error. */
  commit(): Promise<void>;
  /** Closes the handle, and removes the temporary file if it was not committed. */
  end(): Promise<void>;
};

/**
 * The file is readable by its owner only. On failure throws the file system's error and leaves nothing behind. One
 * caller at a time per path: a leftover of an earlier run is replaced.
 */
export async function stageFile(path: string, content: string): Promise<StagedFile> {
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
