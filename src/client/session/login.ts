/** The first requests on a connection: hello, registration if requested, login. */

import { VERSION } from '../../common/version.ts';
import { PROTOCOL_VERSION } from '../../protocol/vocabulary.ts';
import { readWelcome } from '../reader/server-frame.ts';
import { HEARTBEAT_MS } from './keepalive.ts';
import type { Response } from './requests.ts';

/** Who logs in. The password is kept in memory only. */
export type Credentials =
  | { readonly type: 'account'; readonly user: string; readonly password: string; readonly register: boolean }
  | { readonly type: 'guest'; readonly user: string };

/** The outcome of one login attempt. */
export type Entry =
  | {
      readonly type: 'entered';
      readonly user: string;
      readonly rooms: readonly string[];
      /** Logs the account in again without its password. Kept in memory only. */
      readonly token: string | undefined;
    }
  | { readonly type: 'refused'; readonly code: string; readonly text: string }
  | { readonly type: 'unavailable'; readonly text: string };

type LoggedIn =
  | Exclude<Entry, { type: 'unavailable' }>
  | { readonly type: 'lost' }
  /** The answer violates the protocol. */
  | { readonly type: 'untrusted' };

type Ask = (verb: string, ...values: readonly unknown[]) => Promise<Response>;

/** Where to resume after an earlier connection. */
export interface Return {
  /** From the last login. Undefined if there is none that might still be valid. */
  readonly token: string | undefined;
  /** The replay starts after this id; with 0, after the last id that the account has seen on any device. */
  readonly lastId: number;
}

/** Falls back to the password if the token is no longer valid. */
export async function logIn(ask: Ask, credentials: Credentials, back: Return): Promise<LoggedIn> {
  const greeting = { version: PROTOCOL_VERSION, client: `parley/${VERSION}`, heartbeat: HEARTBEAT_MS };
  const hello = await ask('hello', greeting);
  if (hello.type !== 'ok') return refusedOrLost(hello);
  if (credentials.type === 'guest') return welcome(await ask('guest', credentials.user));
  const { user, password } = credentials;
  if (credentials.register) {
    const registered = await ask('register', user, password);
    if (registered.type !== 'ok') return refusedOrLost(registered);
  }
  const lastId = back.lastId === 0 ? null : back.lastId;
  if (back.token !== undefined) {
    const resumed = await ask('resume', user, back.token, lastId);
    if (resumed.type !== 'error' || isPassing(resumed.code)) return welcome(resumed);
  }
  return welcome(await ask('login', user, password, lastId));
}

function welcome(response: Response): LoggedIn {
  if (response.type !== 'ok') return refusedOrLost(response);
  const read = readWelcome(response.result);
  return read === undefined ? { type: 'untrusted' } : { type: 'entered', ...read };
}

function refusedOrLost(response: Exclude<Response, { type: 'ok' }>): LoggedIn {
  return response.type === 'lost'
    ? { type: 'lost' }
    : { type: 'refused', code: response.code, text: response.text };
}

const PASSING: ReadonlySet<string> = new Set([
  'busy',
  'too_many_attempts',
  'unavailable',
  'timed_out',
  'storage_full',
  'storage_failed',
]);

/** True for a refusal that may not happen again a moment later. */
export function isPassing(code: string): boolean {
  return PASSING.has(code);
}
