/** Reads `--password-file`: the first line of a file, which should be readable by its owner only. */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** More than the longest password in any encoding. */
const READ_BYTES = 4_096;

export type ReadPassword =
  | { readonly type: 'password'; readonly password: string; readonly warning: string | undefined }
  | { readonly type: 'refused'; readonly text: string };

/** What a password must be: a check, and the rule as a text. */
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
      return refuse(`the password file ${file} is not UTF-8 text; save it as UTF-8`);
    if (password === '') return refuse(`the password file ${file} has no password in its first line`);
    if (!is(password)) return refuse(`the password file ${file}: ${rule}`);
    const warning = isOpen
      ? `other users of this machine can read the password file ${file}; run: chmod 600 ${file}`
      : undefined;
    return { type: 'password', password, warning };
  } catch (error) {
    return refuse(`cannot read the password file ${file}: ${error instanceof Error ? error.message : error}`);
  } finally {
    closeSync(handle);
  }
}

/** Undefined if the line is not UTF-8. The decoder removes a byte order mark. */
function firstLine(bytes: Buffer): string | undefined {
  const newline = bytes.indexOf('\n');
  const line = bytes.subarray(0, newline === -1 ? bytes.length : newline);
  // UTF-16, which some Windows programs write: every second byte is zero.
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
