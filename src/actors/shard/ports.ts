/** The three ports through which a session uses the other threads: registry, auth and archive. */

import type { Request, VerbOf } from '../../protocol/verbs.ts';
import type { RefusalCode } from '../../protocol/vocabulary.ts';
import type { PastAnswer, ReplayAnswer } from '../archive/archive-api.ts';
import type { AuthAnswer } from '../auth/auth.ts';
import type { AuthCall } from '../auth/auth-api.ts';
import type { Outcome } from '../kernel/actor.ts';
import type { Session } from './session.ts';

/** The registry's answer to a command. */
export type RegistryAnswer =
  | { readonly type: 'done' }
  /** `start`: the session needs every entry after this id. */
  | { readonly type: 'attached'; readonly start: number }
  /** The session has been sent everything it missed, and receives entries as they are committed. */
  | { readonly type: 'live' }
  /** The session misses more than may be sent at once. */
  | { readonly type: 'behind' }
  | { readonly type: 'refused'; readonly code: RefusalCode };

export interface RegistryPort {
  /** Identifies one run of one shard. */
  readonly incarnation: number;
  /** True while too many commands are unanswered. Nothing more may be forwarded then. */
  readonly isCongested: boolean;
  /** Calls the client's `resumeReading` once the registry is no longer congested. */
  addPaused(session: Session): void;
  /** Forwards a request. The session receives the answer through `answered` or `stored`. */
  forward(session: Session, request: Request<VerbOf<'registry'>>): void;
  /** Tells the registry about a new account. */
  announceAccount(session: Session, user: string): Promise<RegistryAnswer>;
  /** `lastId`: the last id that the client has; null to begin after the account's mark. */
  attach(session: Session, user: string, isGuest: boolean, lastId: number | null): Promise<RegistryAnswer>;
  /** Asks for every entry after `cursor`, if that is at most about this many bytes, and for live entries from then on. */
  goLive(session: Session, cursor: number, bytes: number): Promise<RegistryAnswer>;
  /** Stops routing to the session. Resolves when the registry has confirmed it. */
  detach(session: Session): Promise<void>;
}

export interface AuthPort {
  authenticate(call: AuthCall): Promise<AuthAnswer>;
}

export interface ArchivePort {
  /** A page of the events with ids above `after` that the account may see. */
  replay(account: number, after: number): Promise<Outcome<ReplayAnswer>>;
  answer(account: number, request: Request<VerbOf<'archive'>>): Promise<Outcome<PastAnswer>>;
}
