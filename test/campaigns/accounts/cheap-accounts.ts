/**
 * Writes a `users.txt` whose passwords are quick to check: real argon2id hashes of the lowest cost, for
 * campaigns that log in thousands of times.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashSync } from '@node-rs/argon2';
import { FIRST_LINE, formatRecord } from '../../../src/store/users/record.ts';

export function passwordOf(user: string): string {
  return `secret of ${user}`;
}

export function writeCheapUsers(data: string, names: readonly string[]): void {
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const records = names.map((name) =>
    formatRecord({ name, hash: cheapHash(passwordOf(name)), at: new Date() }),
  );
  writeFileSync(join(data, 'users.txt'), FIRST_LINE + records.join(''), { mode: 0o600 });
}

export function cheapHash(password: string): string {
  return hashSync(password, { memoryCost: 8, timeCost: 1, parallelism: 1 });
}
