/**
 * Opens `users.txt`: detects its format, repairs what a crash left, and compacts it. A folder has only one server.
 * People may edit the file while the server runs; then it is read again (`reread.ts`).
 */

import { constants } from 'node:fs';
import { dirname } from 'node:path';
import { LIMITS } from '../../protocol/vocabulary.ts';
import type { AccountStore } from '../accounts.ts';
import { faultOf, isOpenToOthers, openDataFile } from '../files/data-file.ts';
import {
  type FileSystem,
  isDiskFull,
  isSystemError,
  nodeFileSystem,
  type OpenFile,
  readFully,
  type SystemError,
  statOf,
  using,
  writeFully,
} from '../files/file-system.ts';
import { Placement } from '../files/placement.ts';
import { removeLeftover, replaceFile, syncFolder } from '../files/replace-file.ts';
import { AppendFile } from './append-file.ts';
import { type DamagedUsers, type LoadedUsers, loadUsers } from './load.ts';
import { hashOldForm, readOldForm } from './old-form.ts';
import { describeFault, FIRST_LINE, formOf, HEAD_BYTES, type UsersForm } from './record.ts';
import { readAgain } from './reread.ts';
import { UsersStore } from './users-store.ts';

export interface UsersFileOptions {
  /** Hashes a password of the old format, as argon2 in PHC form. Errors are passed on, and the file stays as it was. */
  readonly hash: (password: string) => Promise<string>;
  /** Called with what the operator should know. The text never contains a hash or a password. */
  readonly warn: (text: string) => void;
  /**
   * Called with the names of accounts that someone has removed from the file, or whose password someone has changed
   * there.
   */
  readonly changed?: (names: readonly string[]) => void;
  readonly files?: FileSystem;
  readonly now?: () => Date;
}

export type UsersRefusal =
  /** A link, a folder, a file of another user, … */
  | 'unsafe_file'
  | 'unreadable'
  | 'damaged'
  /** A line in the old format, `name password`, is ambiguous. */
  | 'old_form_unclear'
  | 'storage_full'
  | 'storage_failed';

export type OpenedUsers =
  | { readonly type: 'open'; readonly store: AccountStore }
  | { readonly type: 'refused'; readonly code: UsersRefusal; readonly text: string };

/** Files smaller than this are compacted for a single superseded line; larger ones for one line in eight. */
const ALWAYS_COMPACTED_BYTES = 1 << 20;

type RecordsForm = Extract<UsersForm, { readonly type: 'records' }>;
const TIDY_FORM: RecordsForm = { type: 'records', start: FIRST_LINE.length, isTidy: true };

/** The file at `path`, and how to handle it. */
interface Users extends Required<UsersFileOptions> {
  readonly path: string;
}

/** Opens the store, or says why it refuses to. A missing file is created by the first `append`. */
export async function openUsersFile(path: string, options: UsersFileOptions): Promise<OpenedUsers> {
  const users: Users = {
    files: nodeFileSystem,
    now: () => new Date(),
    changed: () => undefined,
    ...options,
    path,
  };
  try {
    await removeLeftover(users.files, path);
    const stats = await statOf(users.files, path);
    if (stats === undefined) return await opened(users, new Map(), 0);
    const fault = faultOf(path, stats);
    if (fault !== undefined) return refused('unsafe_file', fault);
    if (isOpenToOthers(stats)) {
      const mode = (stats.mode & 0o777).toString(8);
      users.warn(`other users could access ${path} (mode ${mode}); its mode is now 600`);
    }
    return await openExisting(users);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return failed(users, error);
  }
}

async function openExisting(users: Users): Promise<OpenedUsers> {
  const form = await using(await openDataFile(users.files, users.path), readForm);
  switch (form.type) {
    case 'records':
      return openRecords(users, form);
    case 'empty':
      return opened(users, new Map(), 0);
    case 'old':
      return (await migrate(users)) ?? openRecords(users, TIDY_FORM);
    default:
      return form satisfies never;
  }
}

async function readForm(file: OpenFile): Promise<UsersForm> {
  return formOf(await readFully(file, 0, HEAD_BYTES));
}

/** Replaces plain-text passwords with hashes; or refuses, and leaves the file as it was. */
async function migrate(users: Users): Promise<OpenedUsers | undefined> {
  const { path, files, hash, warn, now } = users;
  const old = await using(await files.open(path, 'r'), readOldForm);
  if (old.type === 'unclear') {
    return refused(
      'old_form_unclear',
      `${path} has the old format "name password", and line ${old.line} cannot be read: ${old.fault}. ` +
        'The file was not changed; correct or remove that line and start again',
    );
  }
  const texts = await hashOldForm(old.accounts, hash, now());
  const replacement = await replaceFile(files, path, texts);
  if (replacement.type !== 'replaced') return failed(users, replacement.error);
  const short = old.accounts.filter(
    ({ password }) => Buffer.byteLength(password) < LIMITS.passwordMin,
  ).length;
  warn(
    `${path} contained ${old.accounts.length} plain-text passwords (${short} shorter than ${LIMITS.passwordMin} bytes): ` +
      'they are now hashed and the file was replaced; delete copies of the old file, such as backups',
  );
  return undefined;
}

async function openRecords(users: Users, { start, isTidy }: RecordsForm): Promise<OpenedUsers> {
  const { path, files } = users;
  const result = await using(await openDataFile(files, path), async (file) => {
    const loaded = await loadUsers(file, start);
    return loaded.type === 'damaged' ? loaded : { ...loaded, length: await repair(users, file, loaded) };
  });
  if (result.type === 'damaged') return refused('damaged', describeDamage(path, result));
  return compact(users, { ...result, isUntidy: result.isUntidy || !isTidy });
}

/** Where the damage is and what to do about it, for people. */
export function describeDamage(path: string, { line, fault }: DamagedUsers): string {
  const text = `${path} is damaged in line ${line}: ${describeFault(fault)}. The file was not changed; `;
  if (fault !== 'clear')
    return `${text}restore it from a backup, or correct or remove that line and start again`;
  return (
    `${text}a line has the form "NAME HASH 2026-11-22T06:15:38Z", where HASH is argon2 in PHC form ($argon2id$v=19$…). ` +
    'Correct the line; or remove it, start again, and register the name with "parley connect --register"'
  );
}

/** Makes the file end after its last valid record, and makes all of it durable. Returns its length in bytes. */
async function repair(users: Users, file: OpenFile, { length, lacksNewline }: LoadedUsers): Promise<number> {
  let end = length;
  const { size } = await file.stat();
  if (lacksNewline) {
    await writeFully(file, Buffer.from('\n'), length);
    end = length + 1;
  } else if (size > length) {
    const saved = await saveTorn(users, await readFully(file, length, size - length));
    await file.truncate(length);
    users.warn(
      `${users.path} ended with ${size - length} bytes that are not a record, which a crash during a ` +
        `write can leave; they were moved to ${saved}`,
    );
  }
  // A process that died may have left records, or a replaced file, that it had not synced.
  await file.sync();
  await syncFolder(users.files, dirname(users.path));
  return end;
}

/** Saves the bytes in a separate file, and returns its name. */
async function saveTorn({ path, files, now }: Users, bytes: Buffer): Promise<string> {
  const name = `${path}.torn-${now().toISOString().replaceAll(':', '-')}`;
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;
  await using(await files.open(name, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600), async (file) => {
    const { size } = await file.stat();
    await writeFully(file, bytes, size);
    await file.sync();
  });
  await syncFolder(files, dirname(path));
  return name;
}

/** Drops superseded lines and removals if that is worth rewriting the file, and normalizes edited lines. */
async function compact(
  users: Users,
  { lines, records, length, isUntidy }: LoadedUsers,
): Promise<OpenedUsers> {
  const dropped = records - lines.size;
  const isShorter = dropped > 0 && (length < ALWAYS_COMPACTED_BYTES || dropped * 8 >= records);
  const isWorthIt = isUntidy || isShorter;
  if (!isWorthIt) return opened(users, lines, length);

  const replacement = await replaceFile(users.files, users.path, textsOf(lines));
  switch (replacement.type) {
    case 'replaced':
      return opened(users, lines, replacement.length);
    case 'kept':
      users.warn(`${users.path} could not be compacted: ${replacement.error.message}`);
      return opened(users, lines, length);
    case 'unsynced':
      // If a power cut brought back the other file, appends to this one would be lost.
      return failed(users, replacement.error);
    default:
      return replacement satisfies never;
  }
}

function* textsOf(lines: Map<string, string>): Generator<string> {
  yield FIRST_LINE;
  for (const line of lines.values()) yield `${line}\n`;
}

async function opened(users: Users, lines: Map<string, string>, length: number): Promise<OpenedUsers> {
  const { path, files, warn, changed } = users;
  const stats = await statOf(files, path);
  const file = new AppendFile({ path, firstLine: FIRST_LINE, length, stats, files, warn });
  const placement = new Placement(dirname(path), []);
  let lastWarning = '';
  const warnOnce = (text: string): void => {
    if (text !== lastWarning) warn(text);
    lastWarning = text;
  };
  const read = (seen: (line: string) => void) => readAgain({ path, files, warn: warnOnce, placement }, seen);
  return { type: 'open', store: new UsersStore({ file, lines, read, changed }) };
}

function refused(code: UsersRefusal, text: string): OpenedUsers {
  return { type: 'refused', code, text };
}

function failed({ path }: Users, error: SystemError): OpenedUsers {
  if (isDiskFull(error)) {
    return refused(
      'storage_full',
      `no space left while opening ${path}: ${error.message}; free some space and start again`,
    );
  }
  if (['EACCES', 'EPERM', 'EROFS'].includes(error.code)) {
    return refused(
      'unreadable',
      `this user has no permission to read and write ${path}: ${error.message}; grant access to the file and its folder and start again`,
    );
  }
  return refused(
    'storage_failed',
    `the disk failed while opening ${path}: ${error.message}; check the disk and start again`,
  );
}
