/** `--password-file`: the first line of a file, which should be readable by its owner only. */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { password as newPassword, secret } from '../commands/arguments.ts';
import { LIMITS } from '../transport/protocol.ts';

export type ReadPassword =
  | { readonly type: 'password'; readonly password: string; readonly warning: string | undefined }
  | { readonly type: 'refused'; readonly text: string };

/** `isNew`: for an account that is to be registered. */
export function readPasswordFile(file: string, isNew: boolean): ReadPassword {
  const { is, rule } = isNew ? newPassword : secret;
  let handle: number;
  try {
    handle = openSync(file, 'r');
  } catch (error) {
    return refuse(`cannot read the password file ${file}: ${error instanceof Error ? error.message : error}`);
  }
  try {
    const isOpen = process.platform !== 'win32' && (fstatSync(handle).mode & 0o077) !== 0;
    const bytes = Buffer.alloc(LIMITS.passwordMax + 2);
    const [password = ''] = bytes.toString('utf8', 0, readSync(handle, bytes)).split(/\r?\n/);
    if (password === '') return refuse(`the password file ${file} is empty: its first line is the password`);
    if (!is(password)) return refuse(`the password file ${file}: ${rule}`);
    const warning = isOpen
      ? `other users of this machine may read the password file ${file}: chmod 600 ${file}`
      : undefined;
    return { type: 'password', password, warning };
  } catch (error) {
    return refuse(`cannot read the password file ${file}: ${error instanceof Error ? error.message : error}`);
  } finally {
    closeSync(handle);
  }
}

function refuse(text: string): ReadPassword {
  return { type: 'refused', text };
}
