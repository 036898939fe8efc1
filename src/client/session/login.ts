/** The first requests on a connection: greeting, registration if asked for, login. */

import { VERSION } from '../../common/version.ts';
import type { GivenArguments, Verb } from '../../protocol/verbs.ts';
import { PROTOCOL_VERSION } from '../../protocol/vocabulary.ts';
import { readWelcome } from '../reader/server-frame.ts';
import { HEARTBEAT_MS } from './keepalive.ts';
import type { Response } from './requests.ts';

/** Who comes in. A password is kept in memory only. */
export type Credentials =
  | { readonly type: 'account'; readonly user: string; readonly password: string; readonly register: boolean }
  | { readonly type: 'guest'; readonly user: string };

/** What came of one try to come in. */
export type Entry =
  | {
      readonly type: 'entered';
      readonly user: string;
      readonly rooms: readonly string[];
      /** Lets the account in again without its password. In memory only. */
      readonly token: string | undefined;
    }
  | { readonly type: 'refused'; readonly code: string; readonly text: string }
  | { readonly type: 'unavailable'; readonly text: string };

type LoggedIn =
  | Exclude<Entry, { type: 'unavailable' }>
  | { readonly type: 'lost' }
  /** The server answered in a form that the protocol does not have. */
  | { readonly type: 'untrusted' };

type Ask = <V extends Verb>(verb: V, ...values: GivenArguments<V>) => Promise<Response>;

/** Where the stay goes on that an earlier connection began. */
export interface Return {
  /** From the last login; undefined if there is none that may still do. */
  readonly token: string | undefined;
  /** The server begins behind this id; with 0 behind what the account has seen, on whatever device. */
  readonly lastId: number;
}

/** With a token that does not do any more the password is tried. */
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

/** True for a refusal that may well end differently in a moment. */
export function isPassing(code: string): boolean {
  return PASSING.has(code);
}
