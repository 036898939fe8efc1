/** What a session needs of the other threads: three ports, one to each. */

import type { Request, VerbOf } from '../../protocol/verbs.ts';
import type { RefusalCode } from '../../protocol/vocabulary.ts';
import type { PastAnswer, ReplayAnswer } from '../archive/archive-api.ts';
import type { AuthAnswer } from '../auth/auth.ts';
import type { AuthCall } from '../auth/auth-api.ts';
import type { Outcome } from '../kernel/actor.ts';
import type { Session } from './session.ts';

/** What came of a request to the registry that the session waits for. */
export type Settled =
  | { readonly type: 'done' }
  /** `start`: the session gets everything behind this id. */
  | { readonly type: 'attached'; readonly start: number }
  /** The session has been sent all that it lacked, and gets what is routed. */
  | { readonly type: 'live' }
  /** The session lacks too much for that. */
  | { readonly type: 'behind' }
  | { readonly type: 'refused'; readonly code: RefusalCode };

export interface RegistryPort {
  /** Which run of which shard this is. */
  readonly incarnation: number;
  /** True when the registry has as much to do as it may: nothing more is forwarded until it has caught up. */
  readonly isCongested: boolean;
  /** Has the session resume once there is room at the registry. */
  waitForRoom(session: Session): void;
  /** Forwards a request; the answer goes to the session by `answered` or `stored`. */
  forward(session: Session, request: Request<VerbOf<'registry'>>): void;
  /** Makes known that somebody has registered. */
  announceAccount(session: Session, user: string): Promise<Settled>;
  /** `lastId`: the last id that the client has; null if what the account has seen decides. */
  attach(session: Session, user: string, isGuest: boolean, lastId: number | null): Promise<Settled>;
  /** Asks for everything behind `cursor`, of which about so many bytes may come at once, and for what is routed then. */
  goLive(session: Session, cursor: number, bytes: number): Promise<Settled>;
  /** Takes the session out of everything that is routed. Resolves when the registry has heard of it. */
  detach(session: Session): Promise<void>;
}

export interface AuthPort {
  authenticate(call: AuthCall): Promise<AuthAnswer>;
}

export interface ArchivePort {
  /** A page of the events that the account may see with ids above `after`. */
  replay(account: number, after: number): Promise<Outcome<ReplayAnswer>>;
  answer(account: number, request: Request<VerbOf<'archive'>>): Promise<Outcome<PastAnswer>>;
}
