/**
 * Rereads `users.txt` while the server runs, after someone has changed or replaced it. A start repairs the file
 * (`users-file.ts`); here someone may be writing to it at this moment, so nothing is repaired, and a file that is not
 * plainly complete is rejected.
 */

import type { Stats } from 'node:fs';
import { openDataFile } from '../files/data-file.ts';
import {
  type FileSystem,
  isSystemError,
  type OpenFile,
  readFully,
  statOf,
  using,
  writeFully,
} from '../files/file-system.ts';
import type { Placement } from '../files/placement.ts';
import { AppendFile } from './append-file.ts';
import { loadUsers } from './load.ts';
import { describeFault, FIRST_LINE, formOf, HEAD_BYTES } from './record.ts';
import type { UsersContent } from './users-store.ts';

/** A file unchanged for this long has been written completely; one that keeps changing is read the next time. */
const QUIET_MS = 500;
const WAIT_MAX_MS = 2_000;

export interface ChangedUsers {
  readonly path: string;
  readonly files: FileSystem;
  /** Called with the same text repeatedly while nothing changes. */
  readonly warn: (text: string) => void;
  /** The placement of the folder: a different folder does not belong to this server. */
  readonly placement: Placement;
}

type Content =
  | { readonly type: 'content'; readonly content: UsersContent }
  | { readonly type: 'unusable'; readonly reason: string };

/** Undefined, after a warning, if the file cannot be used as it is. `seen` is called for every line. */
export async function readAgain(
  users: ChangedUsers,
  seen: (line: string) => void,
): Promise<UsersContent | undefined> {
  const { path, warn } = users;
  const read = await tryToRead(users, seen);
  if (read.type === 'content') {
    warn(`${path} was changed while the server was running; reread it: ${read.content.lines.size} accounts`);
    return read.content;
  }
  warn(
    `${path} was changed while the server was running, but ${read.reason}. Nobody can register or change a password until this is fixed; ` +
      'until then, passwords are checked against the previous accounts',
  );
  return undefined;
}

async function tryToRead(users: ChangedUsers, seen: (line: string) => void): Promise<Content> {
  const { path, files, placement } = users;
  try {
    const stats = await settledStats(files, path);
    const misplaced = placement.fault();
    if (misplaced !== undefined) return unusable(misplaced);
    if (stats === undefined) return unusable('it is missing; restore it');
    return await using(await openDataFile(files, path), (file) => readContent(users, file, stats, seen));
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return unusable(error.message);
  }
}

/** The state of the file once it has not changed for a while. */
async function settledStats(files: FileSystem, path: string): Promise<Stats | undefined> {
  const deadline = performance.now() + WAIT_MAX_MS;
  let stats = await statOf(files, path);
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    const next = await statOf(files, path);
    const isQuiet =
      next?.ino === stats?.ino && next?.size === stats?.size && next?.mtimeMs === stats?.mtimeMs;
    if (isQuiet || performance.now() >= deadline) return next;
    stats = next;
  }
}

async function readContent(
  { path, files, warn }: ChangedUsers,
  file: OpenFile,
  before: Stats,
  seen: (line: string) => void,
): Promise<Content> {
  const form = formOf(await readFully(file, 0, HEAD_BYTES));
  if (form.type !== 'records') return unusable(`it does not start with "${FIRST_LINE.trimEnd()}"`);
  const loaded = await loadUsers(file, form.start, seen);
  if (loaded.type === 'damaged') {
    return unusable(`line ${loaded.line} is damaged: ${describeFault(loaded.fault)}`);
  }
  const { size, mtimeMs, ino } = await file.stat();
  if (size !== before.size || mtimeMs !== before.mtimeMs || ino !== before.ino) {
    return unusable('it is still being changed');
  }
  let { length } = loaded;
  if (size > length) return unusable('its last line is incomplete');
  if (loaded.lacksNewline) {
    await writeFully(file, Buffer.from('\n'), length);
    length += 1;
  }
  // Whoever wrote the file may not have synced it.
  await file.sync();
  const stats = await file.stat();
  const content = {
    file: new AppendFile({ path, firstLine: FIRST_LINE, length, stats, files, warn }),
    lines: loaded.lines,
  };
  return { type: 'content', content };
}

function unusable(why: string): Content {
  return { type: 'unusable', reason: why };
}
