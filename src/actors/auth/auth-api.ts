/** The calls between auth, the shards and the registry. Each pair has a port of its own. */

import type { AuthAnswer } from './auth.ts';

/**
 * An account that auth has logged in, and the fingerprint of its password record at that time. The fingerprint changes
 * with every password change.
 */
export interface Credential {
  readonly user: string;
  readonly record: string;
}

/** Whether a logged-in account could still log in the same way: `ok`, or what has happened to it since. */
export type Standing = 'ok' | 'password_changed' | 'removed';

/** The session that requests a password change, as a connection of one run of a shard. */
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
      /** This session continues, if it still exists. */
      readonly asking: Asking;
    }
  /** Logs in with a token instead of the password. */
  | { readonly type: 'resume'; readonly user: string; readonly token: string }
  /** Revokes the token. */
  | { readonly type: 'end'; readonly user: string; readonly token: string }
  /** A guest claims a name, and releases it. */
  | { readonly type: 'claim'; readonly user: string }
  | { readonly type: 'release'; readonly user: string };

export interface AuthApi {
  authenticate(call: AuthCall): Promise<AuthAnswer>;
  /** For sessions that an earlier run of this thread has logged in. Answers are in the same order. */
  confirm(credentials: readonly Credential[]): Promise<readonly Standing[]>;
}

/** The calls in the other direction. */
export interface SessionsApi {
  /** Accounts may have been removed, or their passwords changed: call `confirm` for all sessions. */
  accountsChanged(): void;
  /**
   * The account has this password record from now on. Ends its sessions that began under another record, including
   * those whose login is under way, except the requesting one, which continues under the new record. They have ended
   * when this returns. May be called twice.
   */
  passwordChanged(credential: Credential, asking: Asking): void;
}

/** What auth offers the registry. */
export interface RegistrationsApi {
  /** When the account was registered, in milliseconds since 1970; null if there is no account of that name. */
  registeredAt(user: string): number | null;
}

/** The other direction. */
export interface AccountsApi {
  /**
   * The names of all accounts that can log in, one a line. One string crosses threads a hundred times cheaper than a million.
   */
  accounts(names: string): void;
}
