/** `users.txt` as its store opens it, and what must be in it after some changes. */

import { join } from 'node:path';
import type { AccountChange, AccountStore } from '../../src/store/accounts.ts';
import { type OpenedUsers, openUsersFile, type UsersFileOptions } from '../../src/store/users-file.ts';

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

/** The accounts after these changes. */
export function fold(changes: readonly AccountChange[]): string[] {
  const accounts = new Map<string, string>();
  for (const { name, hash } of changes) {
    if (hash === null) accounts.delete(name.toLowerCase());
    else accounts.set(name.toLowerCase(), `${name} ${hash}`);
  }
  return [...accounts.values()].sort();
}
