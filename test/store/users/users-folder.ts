/** A folder for each test, and opening the `users.txt` in it. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Account, AccountStore } from '../../../src/store/accounts.ts';
import type { FileSystem } from '../../../src/store/files/file-system.ts';
import { type OpenedUsers, openUsersFile } from '../../../src/store/users/users-file.ts';

export const AT = new Date('2026-11-22T06:15:38.123Z');

/** A folder (0700) that is removed after the test. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'parley-users-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A hash in PHC form that differs with `seed`. */
export function hashOf(seed: number | string): string {
  const output = Buffer.from(`output of ${seed}`.padEnd(32, '.')).toString('base64').replaceAll('=', '');
  return `$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$${output}`;
}

/** The result of `openUsersFile`, and its warnings. Passwords of the old format get `hashOf(password)`. */
export async function open(
  path: string,
  files?: FileSystem,
): Promise<{ result: OpenedUsers; warnings: string[] }> {
  const warnings: string[] = [];
  const result = await openUsersFile(path, {
    hash: async (password) => hashOf(password),
    warn: (text) => warnings.push(text),
    now: () => AT,
    ...(files === undefined ? {} : { files }),
  });
  return { result, warnings };
}

/** The store; fails the test if it was refused. It is closed after the test. */
export async function openStore(path: string, files?: FileSystem): Promise<AccountStore> {
  const { result } = await open(path, files);
  if (result.type === 'refused') throw new Error(`refused: ${result.code}: ${result.text}`);
  onTestFinished(() => result.store.close());
  return result.store;
}

/** Every account, by its own name. */
export function accountsOf(store: AccountStore): Map<string, Account | undefined> {
  return new Map([...store.names()].map((name) => [name, store.find(name)]));
}
