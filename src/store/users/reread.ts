/**
 * Reading `users.txt` again while the server runs, after somebody else has changed it or put another file in its place. A start
 * mends what it finds (`users-file.ts`); here somebody may be writing at this moment, so nothing is mended: what is not
 * plainly a whole file is not taken over.
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

/** A file that has not changed for so long has been written to its end; one that goes on changing is read the next time. */
const QUIET_MS = 500;
const WAIT_MAX_MS = 2_000;

export interface ChangedUsers {
  readonly path: string;
  readonly files: FileSystem;
  /** Told the same text again and again while nothing changes. */
  readonly warn: (text: string) => void;
  /** Of the folder: another folder is not this server's. */
  readonly placement: Placement;
}

type Content =
  | { readonly type: 'content'; readonly content: UsersContent }
  | { readonly type: 'unusable'; readonly why: string };

/** Undefined, after a warning, if the file cannot be used as it is. `seen` is told every line. */
export async function readAgain(
  users: ChangedUsers,
  seen: (line: string) => void,
): Promise<UsersContent | undefined> {
  const { path, warn } = users;
  const read = await tryToRead(users, seen);
  if (read.type === 'content') {
    warn(`${path} was changed while the server runs: it was read again, ${read.content.lines.size} accounts`);
    return read.content;
  }
  warn(
    `${path} was changed while the server runs, and ${read.why}. Nobody can register or change a password until it is put right; ` +
      'passwords are checked against the accounts as they were before',
  );
  return undefined;
}

async function tryToRead(users: ChangedUsers, seen: (line: string) => void): Promise<Content> {
  const { path, files, placement } = users;
  try {
    const stats = await quiet(files, path);
    const misplaced = placement.fault();
    if (misplaced !== undefined) return unusable(misplaced);
    if (stats === undefined) return unusable('it is gone: put it back');
    return await using(await openDataFile(files, path), (file) => readContent(users, file, stats, seen));
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return unusable(error.message);
  }
}

/** The state of the file when it has not changed for a while. */
async function quiet(files: FileSystem, path: string): Promise<Stats | undefined> {
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
  if (form.type !== 'records') return unusable(`it does not begin with "${FIRST_LINE.trimEnd()}"`);
  const loaded = await loadUsers(file, form.start, seen);
  if (loaded.type === 'damaged') {
    return unusable(`line ${loaded.line} is damaged: ${describeFault(loaded.fault)}`);
  }
  const { size, mtimeMs, ino } = await file.stat();
  if (size !== before.size || mtimeMs !== before.mtimeMs || ino !== before.ino) {
    return unusable('it is being changed at this moment');
  }
  let { length } = loaded;
  if (size > length) return unusable('it ends in a half of a line');
  if (loaded.lacksNewline) {
    await writeFully(file, Buffer.from('\n'), length);
    length += 1;
  }
  // Its writer may not have synced it.
  await file.sync();
  const stats = await file.stat();
  const content = {
    file: new AppendFile({ path, firstLine: FIRST_LINE, length, stats, files, warn }),
    lines: loaded.lines,
  };
  return { type: 'content', content };
}

function unusable(why: string): Content {
  return { type: 'unusable', why };
}
