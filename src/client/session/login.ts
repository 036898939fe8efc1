/** The first requests on a connection: hello, registration if requested, login. */

import { VERSION } from '../../common/version.ts';
import type { GivenArguments, Verb } from '../../protocol/verbs.ts';
import { PROTOCOL_VERSION } from '../../protocol/vocabulary.ts';
import { readWelcome } from '../reader/server-frame.ts';
import { HEARTBEAT_MS } from './keepalive.ts';
import type { Response } from './requests.ts';

/** Who logs in. The password is kept in memory only. */
export type Credentials =
  | { readonly type: 'account'; readonly user: string; readonly password: string; readonly register: boolean }
  | { readonly type: 'guest'; readonly user: string };

/** The outcome of one login attempt. */
export type LoginOutcome =
  | {
      readonly type: 'logged_in';
      readonly user: string;
      readonly rooms: readonly string[];
      /** Logs the account in again without its password. Kept in memory only. */
      readonly token: string | undefined;
    }
  | { readonly type: 'refused'; readonly code: string; readonly text: string }
  | { readonly type: 'unavailable'; readonly text: string };

type LoginResponse =
  | Exclude<LoginOutcome, { type: 'unavailable' }>
  | { readonly type: 'lost' }
  /** The answer violates the protocol. */
  | { readonly type: 'protocol_error' };

type Ask = <V extends Verb>(verb: V, ...values: GivenArguments<V>) => Promise<Response>;

/** Where to resume after an earlier connection. */
export interface ResumePoint {
  /** From the last login. Undefined if there is none that might still be valid. */
  readonly token: string | undefined;
  /** The replay starts after this id; with 0, after the last id that the account has seen on any device. */
  readonly lastId: number;
}

/** Falls back to the password if the token is no longer valid. */
export async function logIn(
  ask: Ask,
  credentials: Credentials,
  resumePoint: ResumePoint,
): Promise<LoginResponse> {
  const greeting = { version: PROTOCOL_VERSION, client: `parley/${VERSION}`, heartbeat: HEARTBEAT_MS };
  const hello = await ask('hello', greeting);
  if (hello.type !== 'ok') return refusedOrLost(hello);
  if (credentials.type === 'guest') return welcome(await ask('guest', credentials.user));
  const { user, password } = credentials;
  if (credentials.register) {
    const registered = await ask('register', user, password);
    if (registered.type !== 'ok') return refusedOrLost(registered);
  }
  const lastId = resumePoint.lastId === 0 ? null : resumePoint.lastId;
  if (resumePoint.token !== undefined) {
    const resumed = await ask('resume', user, resumePoint.token, lastId);
    if (resumed.type !== 'error' || isTransient(resumed.code)) return welcome(resumed);
  }
  return welcome(await ask('login', user, password, lastId));
}

function welcome(response: Response): LoginResponse {
  if (response.type !== 'ok') return refusedOrLost(response);
  const read = readWelcome(response.result);
  return read === undefined ? { type: 'protocol_error' } : { type: 'logged_in', ...read };
}

function refusedOrLost(response: Exclude<Response, { type: 'ok' }>): LoginResponse {
  return response.type === 'lost'
    ? { type: 'lost' }
    : { type: 'refused', code: response.code, text: response.text };
}

const TRANSIENT: ReadonlySet<string> = new Set([
  'busy',
  'too_many_attempts',
  'unavailable',
  'timed_out',
  'storage_full',
  'storage_failed',
]);

/** True for a refusal that may not happen again a moment later. */
export function isTransient(code: string): boolean {
  return TRANSIENT.has(code);
}
