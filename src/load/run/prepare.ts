/** `parley load prepare`: a data folder with accounts for a load test, so that a run need not register them one by one. */

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
  /** The folder; made if there is none, for its owner alone. */
  readonly data: string;
  /** How many accounts, at least 1. */
  readonly users: number;
  readonly password?: string | undefined;
  /**
   * What checking a password costs. `usual`: what it costs for an account that was registered, so logins are as slow as in
   * life. `cheap`: next to nothing, for a server of the run's own whose logins are not what is tested.
   */
  readonly cost?: 'usual' | 'cheap';
}

export type Prepared =
  | { readonly type: 'prepared'; readonly file: string }
  | { readonly type: 'refused'; readonly text: string };

/** Writes `users.txt`, whole or not at all. A folder in which a server has been, or is, stays as it was. */
export async function prepareAccounts(options: PrepareOptions): Promise<Prepared> {
  const { data, users, password = DEFAULT_PASSWORD, cost = 'usual' } = options;
  // Before the folder is locked, which puts a file into it; and again when nobody else can write there any more.
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

/** The program. Says on stdout what it made and what to do with it. */
export async function prepare(
  options: Omit<PrepareOptions, 'password'> & { readonly passwordFile?: string | undefined },
): Promise<ExitCode> {
  // Whatever this process creates is for its owner alone.
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
  const many =
    users === 1
      ? `1 account, ${accountName(1)}`
      : `${users} accounts, ${accountName(1)} to ${accountName(users)}`;
  const password = passwordFile === undefined ? `"${DEFAULT_PASSWORD}"` : `the first line of ${passwordFile}`;
  complain(
    passwordFile === undefined
      ? 'everybody knows this password: never use this folder for a real server'
      : 'all these accounts have one password: never use this folder for a real server',
  );
  return answer(
    `wrote ${prepared.file}: ${many}. The password of each is ${password}.\nnext: parley serve --data ${data} --commands-per-second 0\n`,
  );
}

/** Undefined if no server has ever kept anything there. */
function refusalOf(data: string): Prepared | undefined {
  const found = ['users.txt', 'chat.db'].find((name) => existsSync(join(data, name)));
  if (found === undefined) return undefined;
  return refuse(
    `${join(data, found)} is there already, and nothing is overwritten: give another --data, or remove that folder`,
  );
}

async function writeAccounts({ usersFile }: DataFolder, users: number, hash: string): Promise<Prepared> {
  const replacement = await replaceFile(nodeFileSystem, usersFile, records(users, hash));
  if (replacement.type === 'replaced') return { type: 'prepared', file: usersFile };
  return refuse(`${usersFile} cannot be written: ${replacement.error.message}`);
}

/** A million of them: the longest name is checked, and the others differ from it in nothing but the number. */
function* records(users: number, hash: string): Generator<string> {
  const name = accountName(users);
  const rest = formatRecord({ name, hash, at: new Date() }).slice(name.length);
  yield FIRST_LINE;
  for (let number = 1; number <= users; number++) yield accountName(number) + rest;
}

function refuse(text: string): Prepared {
  return { type: 'refused', text };
}
