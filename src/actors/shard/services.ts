/** What a connection needs of its shard. */

import type { Logger } from 'pino';
import type { RefusalCode } from '../../protocol/vocabulary.ts';
import type { WriteTurn } from '../../transport/outbox.ts';
import type { ArchiveApi } from '../archive/archive-api.ts';
import type { AuthAnswer } from '../auth/auth.ts';
import type { AuthCall } from '../auth/auth-api.ts';
import type { ActorRef } from '../kernel/actor.ts';
import type { Peer } from '../kernel/thread.ts';
import type { Command } from '../link/messages.ts';
import type { Connection, ConnectionMsg } from './connection.ts';
import type { Entrance } from './resume-queue.ts';

/** What came of a request to the registry that the connection waits for. */
export type Settled =
  | { readonly type: 'done' }
  /** `start`: the session gets everything behind this id. */
  | { readonly type: 'attached'; readonly start: number }
  /** What the connection was lacking up to here has been pushed to it, and it gets what is routed. */
  | { readonly type: 'live' }
  /** The connection lacks too much for that. */
  | { readonly type: 'behind' }
  | { readonly type: 'refused'; readonly code: RefusalCode };

export interface Services {
  /** Which run of which shard this is. */
  readonly incarnation: number;
  readonly server: string;
  readonly outboxLimit: number;
  readonly commandsPerSecond: number;
  readonly turn: WriteTurn;
  readonly entrance: Entrance;
  readonly log: Logger;
  /** True when the registry has as much to do as it may: nothing more is forwarded until it has caught up. */
  readonly isCongested: boolean;
  /** Called first of all. */
  opened(connection: Connection, ref: ActorRef<ConnectionMsg>): void;
  /** The number for the next command to the registry. */
  number(): number;
  /** Forwards a command whose answer goes straight to the client. */
  forward(connection: Connection, requestId: number, command: Command): void;
  /** Forwards a command that the connection waits for. */
  ask(connection: Connection, requestId: number, command: Command): Promise<Settled>;
  authenticate(call: AuthCall): Promise<AuthAnswer>;
  /** Asks the archive. `gone` while it is being started again. */
  readonly archive: Pick<Peer<ArchiveApi>, 'call'>;
  /** Called when a connection became anonymous again, so that it gets only so long to log in. */
  loggedOut(connection: Connection): void;
  /** Takes the session out of everything that is routed; the registry hears of it. */
  leave(connection: Connection): Promise<void>;
  /** Tells the connection to go on once there is room at the registry. */
  waitForRoom(connection: Connection): void;
  closed(connection: Connection): void;
}
