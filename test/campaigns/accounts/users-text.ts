/** Reads `users.txt` by its documented format, without the server's code. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Names of the accounts. The first registration creates the file. A last line without a newline is ignored,
 * because it may be half a record.
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
