/** The command line of `parley connect`, checked before anything is asked, opened or connected. */

import { statSync } from 'node:fs';
import { isUserName, USER_RULE } from '../chat/names.ts';
import { type Address, readAddress } from '../common/address.ts';
import { readPasswordFile } from '../common/password-file.ts';
import { password as newPassword, secret } from '../protocol/arguments.ts';

export interface ConnectOptions {
  /** `HOST`, `HOST:PORT` or `[IPv6]:PORT`. */
  readonly address?: string | undefined;
  /** The display file; `.html` is added if missing. */
  readonly display?: string | undefined;
  readonly user?: string | undefined;
  /** A file whose first line is the password. */
  readonly passwordFile?: string | undefined;
  /** Register the name first. */
  readonly register: boolean;
  /** Log in without a password. */
  readonly guest: boolean;
  /** Open the display in the browser. */
  readonly open: boolean;
  /** Print every event and answer as one JSON line on stdout. */
  readonly json: boolean;
  /** Overwrite a display file that is not one of Parley's. */
  readonly force: boolean;
}

/** The same options after parsing. Undefined means not given. */
export interface ParsedOptions {
  readonly address: Address | undefined;
  readonly display: string | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly register: boolean;
  readonly guest: boolean;
  readonly open: boolean;
  readonly json: boolean;
  readonly force: boolean;
}

export type ReadOptions =
  | { readonly type: 'given'; readonly given: ParsedOptions; readonly warning: string | undefined }
  | { readonly type: 'refused'; readonly text: string };

export function readOptions(options: ConnectOptions): ReadOptions {
  const { user, passwordFile, register, guest, open, json, force } = options;
  if (guest && register) return refuse('--guest and --register cannot be combined: a guest has no account');
  if (guest && passwordFile !== undefined) {
    return refuse('--guest and --password-file cannot be combined: a guest has no password');
  }
  if (user !== undefined && !isUserName(user)) return refuse(`--user ${user}: ${USER_RULE}`);
  const address = options.address === undefined ? undefined : readAddress(options.address);
  if (address?.type === 'refused') return address;
  const password =
    passwordFile === undefined ? undefined : readPasswordFile(passwordFile, register ? newPassword : secret);
  if (password?.type === 'refused') return password;
  const given: ParsedOptions = {
    address: address?.address,
    display: options.display === undefined ? undefined : displayFile(options.display),
    user,
    password: password?.password,
    register,
    guest,
    open,
    json,
    force,
  };
  return { type: 'given', given, warning: password?.warning };
}

/** What a script lacks, because nobody is there to ask; undefined if nothing is missing. */
export function missingForScript(given: ParsedOptions): string | undefined {
  const missing = [
    given.address === undefined ? 'the address of the server (HOST or HOST:PORT)' : undefined,
    given.display === undefined ? '--display FILE' : undefined,
    given.user === undefined ? '--user NAME' : undefined,
    given.password === undefined && !given.guest ? '--password-file FILE (or --guest)' : undefined,
  ].filter((name) => name !== undefined);
  if (missing.length === 0) return undefined;
  return `stdin is not a terminal, so the client cannot ask for what is missing: give ${missing.join(', ')}`;
}

/**
 * Adds `.html` to a name without it, except for a path that cannot be a display, such as `/dev/null`, and is refused
 * later.
 */
export function displayFile(name: string): string {
  return /\.html?$|[/\\]$/i.test(name) || isNoFile(name) ? name : `${name}.html`;
}

function isNoFile(name: string): boolean {
  try {
    return !statSync(name).isFile();
  } catch {
    return false;
  }
}

function refuse(text: string): ReadOptions {
  return { type: 'refused', text };
}
