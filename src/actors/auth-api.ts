/** What the auth thread offers to shards, each on a port of its own. */

import type { AuthAnswer } from './auth.ts';

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
}
