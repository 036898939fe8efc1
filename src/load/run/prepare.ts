/** `parley load prepare`: creates a data folder with accounts for load tests, so that a run need not register them one by one. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT, type ExitCode } from '../../common/exit.ts';
import { readPasswordFile } from '../../common/password-file.ts';
import { hashPassword } from '../../common/password-hash.ts';
import { password as newPassword } from '../../protocol/arguments.ts';
import { type DataFolder, openDataFolder } from '../../store/files/data-folder.ts';
import { nodeFileSystem } from '../../store/files/file-system.ts';
import { replaceFile } from '../../store/files/replace-file.ts';
import { FIRST_LINE, formatRecord } from '../../store/users/record.ts';
import { accountName, DEFAULT_PASSWORD } from '../scenario/account.ts';
import { answer, complain } from './output.ts';

export interface PrepareOptions {
  /** The folder; created for its owner alone if it does not exist. */
  readonly data: string;
  /** Number of accounts, at least 1. */
  readonly users: number;
  readonly password?: string | undefined;
  /**
   * The cost of checking a password. `usual`: the same as for a registered account, so logins are as slow as in production.
   * `cheap`: next to nothing, for runs on a server of their own that do not test logins.
   */
  readonly cost?: 'usual' | 'cheap';
}

export type Prepared =
  | { readonly type: 'prepared'; readonly file: string }
  | { readonly type: 'refused'; readonly text: string };

/** Writes `users.txt` atomically. Refuses a folder that a server uses or has used, and leaves it unchanged. */
export async function prepareAccounts(options: PrepareOptions): Promise<Prepared> {
  const { data, users, password = DEFAULT_PASSWORD, cost = 'usual' } = options;
  // Checked before locking, because the lock is a file in the folder, and again once nobody else can write there.
  const refusal = refusalOf(data);
  if (refusal !== undefined) return refusal;
  const opened = openDataFolder(data);
  if (opened.type === 'refused') return refuse(opened.text);
  try {
    const late = refusalOf(data);
    if (late !== undefined) return late;
    return await writeAccounts(opened.folder, users, hashPassword(password, cost));
  } finally {
    opened.folder.unlock();
  }
}

/** The command. Prints what it created and how to use it. */
export async function prepare(
  options: Omit<PrepareOptions, 'password'> & { readonly passwordFile?: string | undefined },
): Promise<ExitCode> {
  // Files that this process creates are for their owner alone.
  process.umask(0o077);
  const { passwordFile, data, users } = options;
  const read = passwordFile === undefined ? undefined : readPasswordFile(passwordFile, newPassword);
  if (read?.type === 'refused') {
    complain(read.text);
    return EXIT.usage;
  }
  if (read?.warning !== undefined) complain(read.warning);
  const prepared = await prepareAccounts({ ...options, password: read?.password });
  if (prepared.type === 'refused') {
    complain(prepared.text);
    return EXIT.failure;
  }
  const accounts =
    users === 1
      ? `1 account, ${accountName(1)}`
      : `${users} accounts, ${accountName(1)} to ${accountName(users)}`;
  const password = passwordFile === undefined ? `"${DEFAULT_PASSWORD}"` : `the first line of ${passwordFile}`;
  complain(
    passwordFile === undefined
      ? 'this password is publicly known: never use this folder for a real server'
      : 'all these accounts share one password: never use this folder for a real server',
  );
  return answer(
    `wrote ${prepared.file}: ${accounts}. The password of all accounts is ${password}.\nnext: parley serve --data ${data} --commands-per-second 0\n`,
  );
}

/** Undefined if no server has ever used the folder. */
function refusalOf(data: string): Prepared | undefined {
  const found = ['users.txt', 'chat.db'].find((name) => existsSync(join(data, name)));
  if (found === undefined) return undefined;
  return refuse(
    `${join(data, found)} already exists and is not overwritten: choose another --data, or remove that folder`,
  );
}

async function writeAccounts({ usersFile }: DataFolder, users: number, hash: string): Promise<Prepared> {
  const replacement = await replaceFile(nodeFileSystem, usersFile, records(users, hash));
  if (replacement.type === 'replaced') return { type: 'prepared', file: usersFile };
  return refuse(`cannot write ${usersFile}: ${replacement.error.message}`);
}

/**
 * Formats and checks only the record of the longest name, because there may be a million and the others differ only in the
 * number.
 */
function* records(users: number, hash: string): Generator<string> {
  const name = accountName(users);
  const rest = formatRecord({ name, hash, at: new Date() }).slice(name.length);
  yield FIRST_LINE;
  for (let number = 1; number <= users; number++) yield accountName(number) + rest;
}

function refuse(text: string): Prepared {
  return { type: 'refused', text };
}
