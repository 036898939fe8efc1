/** `users.txt` as its store opens it, and what must be in it after some changes. */

import { hash as digest } from 'node:crypto';
import { join } from 'node:path';
import type { AccountStore } from '../../../src/store/accounts.ts';
import type { UserRecord } from '../../../src/store/users/record.ts';
import {
  type OpenedUsers,
  openUsersFile,
  type UsersFileOptions,
} from '../../../src/store/users/users-file.ts';

/** A moment at which all changes happen. */
export const AT = new Date('2026-11-22T06:15:38Z');

export function openUsers(folder: string, options: Partial<UsersFileOptions> = {}): Promise<OpenedUsers> {
  return openUsersFile(join(folder, 'users.txt'), {
    hash: () => Promise.reject(new Error('this is not the old form')),
    warn: () => {},
    ...options,
  });
}

export function accountsIn(store: AccountStore): string[] {
  return [...store.names()].map((name) => `${name} ${store.find(name)?.hash}`).sort();
}

/** Such as the server makes, but no password has it. */
export function usualHash(seed: string): string {
  const output = digest('sha256', seed, 'base64').replaceAll('=', '');
  return `$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$${output}`;
}

/** The accounts after these records. */
export function fold(records: readonly UserRecord[]): string[] {
  const accounts = new Map<string, string>();
  for (const { name, hash } of records) {
    if (hash === null) accounts.delete(name.toLowerCase());
    else accounts.set(name.toLowerCase(), `${name} ${hash}`);
  }
  return [...accounts.values()].sort();
}
