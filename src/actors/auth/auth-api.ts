/** What auth and a shard offer each other, on a port of their own. */

import type { AuthAnswer } from './auth.ts';

/**
 * Whom auth has let in, and under which password record: a fingerprint of the record, which changes with every change of the
 * password.
 */
export interface Credential {
  readonly user: string;
  readonly record: string;
}

/** Whether somebody who was let in would be let in again: `ok`, or what has become of the account since. */
export type Standing = 'ok' | 'password_changed' | 'removed';

/** The session that asks for a change of its password: a connection of that run of a shard. */
export interface Asking {
  readonly shard: number;
  readonly connection: number;
}

export type AuthCall =
  | {
      readonly type: 'register' | 'login';
      readonly user: string;
      readonly password: string;
      readonly address: string;
    }
  | {
      readonly type: 'change';
      readonly user: string;
      readonly password: string;
      readonly next: string;
      readonly address: string;
      /** This session goes on, if it is still there. */
      readonly asking: Asking;
    }
  /** Comes back with a token instead of the password. */
  | { readonly type: 'resume'; readonly user: string; readonly token: string }
  /** The token lets nobody in any more. */
  | { readonly type: 'end'; readonly user: string; readonly token: string }
  /** A guest takes a name, and gives it back. */
  | { readonly type: 'claim'; readonly user: string }
  | { readonly type: 'release'; readonly user: string };

export interface AuthApi {
  authenticate(call: AuthCall): Promise<AuthAnswer>;
  /** For sessions that an earlier run of this thread has let in. In the same order. */
  confirm(credentials: readonly Credential[]): Promise<readonly Standing[]>;
}

/** The other direction. */
export interface SessionsApi {
  /** Accounts may have been taken out, or been given another password: asks `confirm` about all sessions. */
  accountsChanged(): void;
  /**
   * The account has this password record from now on. Ends its sessions that began under another one, also those whose login is
   * under way, but for the one that asks, which goes on under this one. They are over when this returns. May be told twice.
   */
  passwordChanged(credential: Credential, asking: Asking): void;
}
