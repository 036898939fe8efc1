/** Locks a data folder, so that no server can use it meanwhile. */

import { type DataFolder, openDataFolder } from '../src/store/files/data-folder.ts';

/** Creates the folder if it does not exist. */
export async function withLock<T>(path: string, work: (folder: DataFolder) => T | Promise<T>): Promise<T> {
  const opened = openDataFolder(path);
  if (opened.type === 'refused') throw new Error(opened.text);
  try {
    return await work(opened.folder);
  } finally {
    opened.folder.unlock();
  }
}
