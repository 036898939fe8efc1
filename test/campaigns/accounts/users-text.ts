/** `users.txt` as anybody reads it who knows its form, without the code of the server. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Names of the accounts; none if there is no file, which the first registration makes. A last line without its newline is
 * left out: it may be half of one.
 */
export function readNames(data: string): string[] {
  if (!existsSync(join(data, 'users.txt'))) return [];
  const lines = readFileSync(join(data, 'users.txt'), 'latin1').split('\n').slice(1, -1);
  const names = new Map<string, string>();
  for (const line of lines) {
    const [name = '', hash] = line.split(' ');
    if (hash === '-') names.delete(name.toLowerCase());
    else names.set(name.toLowerCase(), name);
  }
  return [...names.values()];
}
