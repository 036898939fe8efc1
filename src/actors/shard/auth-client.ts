/** A shard's way to the auth thread, and what that tells the shard. */

import type { MessagePort } from 'node:worker_threads';
import type { AuthAnswer } from '../auth/auth.ts';
import type { AuthApi, AuthCall, SessionsApi } from '../auth/auth-api.ts';
import { callPort, type Peer, servePort } from '../kernel/thread.ts';
import type { AuthPort } from './ports.ts';

/** A password check waits behind at most a full queue of the hash pool. */
export const AUTH_TIMEOUT_MS = 30_000;

export class AuthClient implements AuthPort {
  #auth: Peer<AuthApi> | undefined;

  /** Takes the port to an auth thread, the first one or one that has restarted; returns that thread. */
  connect(port: MessagePort, sessions: SessionsApi): Peer<AuthApi> {
    this.#auth = callPort<AuthApi>(port);
    servePort<SessionsApi>(port, sessions);
    return this.#auth;
  }

  async authenticate(call: AuthCall): Promise<AuthAnswer> {
    const auth = this.#auth;
    const outcome = await auth?.call((api) => api.authenticate(call), AUTH_TIMEOUT_MS);
    // Nobody has asked the successor of a thread that was replaced about those whom it had let in.
    const isStale = auth !== this.#auth && (call.type === 'login' || call.type === 'resume');
    if (outcome?.type === 'answered' && !isStale) return outcome.value;
    return { type: 'refused', code: outcome?.type === 'timed_out' ? 'timed_out' : 'unavailable' };
  }
}
