/** A shard's client of the auth thread. */

import type { MessagePort } from 'node:worker_threads';
import type { AuthAnswer } from '../auth/auth.ts';
import type { AuthApi, AuthCall, SessionsApi } from '../auth/auth-api.ts';
import { callPort, type Peer, servePort } from '../kernel/thread.ts';
import type { AuthPort } from './ports.ts';
import type { Session } from './session.ts';

/** Long enough for a password check behind a full queue of the hash pool. */
const AUTH_TIMEOUT_MS = 30_000;
/** Sessions per call of `confirm`. */
const CONFIRM_BATCH = 1_000;

export class AuthClient implements AuthPort {
  #auth: Peer<AuthApi> | undefined;

  /** Connects to an auth thread: the first one, or one that has restarted. Returns that thread. */
  connect(port: MessagePort, sessions: SessionsApi): Peer<AuthApi> {
    this.#auth = callPort<AuthApi>(port);
    servePort<SessionsApi>(port, sessions);
    return this.#auth;
  }

  async authenticate(call: AuthCall): Promise<AuthAnswer> {
    const auth = this.#auth;
    const outcome = await auth?.call((api) => api.authenticate(call), AUTH_TIMEOUT_MS);
    // A new auth thread has not confirmed logins that its predecessor accepted.
    const isStale = auth !== this.#auth && (call.type === 'login' || call.type === 'resume');
    if (outcome?.type === 'answered' && !isStale) return outcome.value;
    return { type: 'refused', code: outcome?.type === 'timed_out' ? 'timed_out' : 'unavailable' };
  }
}

/**
 * Ends the sessions whose login auth no longer accepts. An auth thread that has died may have changed a password without
 * reporting it.
 */
export async function confirmSessions(auth: Peer<AuthApi>, sessions: readonly Session[]): Promise<void> {
  const asked = sessions.filter(({ credential }) => credential !== undefined);
  for (let next = 0; next < asked.length; next += CONFIRM_BATCH) {
    const batch = asked.slice(next, next + CONFIRM_BATCH).flatMap((session) => {
      const { credential } = session;
      return credential === undefined ? [] : [{ session, credential }];
    });
    const credentials = batch.map(({ credential }) => credential);
    const outcome = await auth.call((api) => api.confirm(credentials), AUTH_TIMEOUT_MS);
    // Every session is confirmed again when the next auth thread connects.
    if (outcome.type !== 'answered') return;
    for (const [i, { session, credential }] of batch.entries()) {
      const standing = outcome.value[i] ?? 'ok';
      if (standing !== 'ok' && session.credential === credential) session.expire(standing);
    }
  }
}
