/** `--password-file`: the first line of a file, which should be readable by its owner only. */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** More than the longest password in any form in which it may be written. */
const READ_BYTES = 4_096;

export type ReadPassword =
  | { readonly type: 'password'; readonly password: string; readonly warning: string | undefined }
  | { readonly type: 'refused'; readonly text: string };

/** What a password must be, and how to say that. */
export interface PasswordRule {
  is(value: string): boolean;
  readonly rule: string;
}

export function readPasswordFile(file: string, { is, rule }: PasswordRule): ReadPassword {
  let handle: number;
  try {
    handle = openSync(file, 'r');
  } catch (error) {
    return refuse(`cannot read the password file ${file}: ${error instanceof Error ? error.message : error}`);
  }
  try {
    const isOpen = process.platform !== 'win32' && (fstatSync(handle).mode & 0o077) !== 0;
    const bytes = Buffer.alloc(READ_BYTES);
    const password = firstLine(bytes.subarray(0, readSync(handle, bytes)));
    if (password === undefined)
      return refuse(`the password file ${file} is not text in UTF-8: save it as that`);
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

/** Undefined if it is not text in UTF-8. The decoder leaves a byte order mark out. */
function firstLine(bytes: Buffer): string | undefined {
  const newline = bytes.indexOf('\n');
  const line = bytes.subarray(0, newline === -1 ? bytes.length : newline);
  // As some programs on Windows write text: every second byte is zero.
  if (line.includes(0)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(line).replace(/\r$/, '');
  } catch {
    return undefined;
  }
}

function refuse(text: string): ReadPassword {
  return { type: 'refused', text };
}
