/** Replaces a file so that a crash at any moment leaves either the old or the new one intact. */

import { dirname } from 'node:path';
import { type FileSystem, isSystemError, type SystemError, using, writeFully } from './file-system.ts';

const PIECE_LENGTH = 1 << 20;

/** `kept`: the old file is in place. `unsynced`: the new one is, but a power cut could bring back the old one. */
export type Replacement =
  | { readonly type: 'replaced'; readonly length: number }
  | { readonly type: 'kept' | 'unsynced'; readonly error: SystemError };

/**
 * Replaces the file at `path` with these texts (mode 0600): writes a file beside it, syncs it, renames it, and syncs
 * the folder. A crash in between leaves at most the temporary file: see `removeLeftover`.
 */
export async function replaceFile(
  files: FileSystem,
  path: string,
  texts: Iterable<string>,
): Promise<Replacement> {
  let length: number;
  try {
    await removeLeftover(files, path);
    length = await writeNew(files, temporaryPath(path), texts);
    await files.rename(temporaryPath(path), path);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    await removeLeftover(files, path).catch(() => undefined);
    return { type: 'kept', error };
  }
  try {
    await syncFolder(files, dirname(path));
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return { type: 'unsynced', error };
  }
  return { type: 'replaced', length };
}

/** Removes what a crash during `replaceFile` left behind. */
export async function removeLeftover(files: FileSystem, path: string): Promise<void> {
  try {
    await files.unlink(temporaryPath(path));
  } catch (error) {
    if (!isSystemError(error) || error.code !== 'ENOENT') throw error;
  }
}

/** Makes names in a folder durable. Windows cannot sync a folder, but journals names. */
export async function syncFolder(files: FileSystem, folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  await using(await files.open(folder, 'r'), (handle) => handle.sync());
}

function temporaryPath(path: string): string {
  return `${path}.tmp`;
}

/** Returns the number of bytes written, all of them synced. */
async function writeNew(files: FileSystem, path: string, texts: Iterable<string>): Promise<number> {
  return using(await files.open(path, 'wx', 0o600), async (file) => {
    let length = 0;
    for (const piece of joinTexts(texts)) {
      const bytes = Buffer.from(piece);
      await writeFully(file, bytes, length);
      length += bytes.length;
    }
    await file.sync();
    return length;
  });
}

/** The same text in pieces of about 1 MiB, so that a million lines do not cause a million writes. */
function* joinTexts(texts: Iterable<string>): Generator<string> {
  let piece = '';
  for (const text of texts) {
    piece += text;
    if (piece.length >= PIECE_LENGTH) {
      yield piece;
      piece = '';
    }
  }
  yield piece;
}
