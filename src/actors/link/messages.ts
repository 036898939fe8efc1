/**
 * The data channel between a shard and the registry: one `MessagePort`, and every message on it a batch of
 * what one turn of the event loop collected (`batch.ts`). Items are tuples, whose first element tells them apart.
 *
 * A shard numbers its commands; `number` says which command an answer, or an entry, belongs to.
 */

import type { Entry } from '../../chat/entry.ts';
import type { ArgumentsOf, Request, VerbOf } from '../../protocol/verbs.ts';
import type { FarewellCode, RefusalCode } from '../../protocol/vocabulary.ts';

/** One logged-in connection, as a shard announces it to a registry that has restarted. */
export type AnnouncedSession = readonly [connection: number, account: number, name: string, isLive: boolean];

/** What a connection needs from the registry to begin, continue and end a session, and to announce a registration. */
type SessionCommand =
  | readonly [
      'attach',
      number: number,
      connection: number,
      user: string,
      guest: boolean,
      /** The last id that the client has; null: what the account has seen decides. */
      lastId: number | null,
    ]
  /**
   * The session has been sent everything up to `cursor` that it may see. It asks for the rest, of which it takes about this
   * many bytes at once, and for everything after that.
   */
  | readonly ['live', number: number, connection: number, cursor: number, bytes: number]
  | readonly ['detach', number: number, connection: number]
  | readonly ['account', number: number, connection: number, user: string];

export type RegistryVerb = VerbOf<'registry'>;

/** A client's request to the registry: its arguments as the connection has checked them. */
export type RequestCommand<V extends RegistryVerb = RegistryVerb> = {
  [P in V]: readonly [verb: P, number: number, connection: number, ...values: ArgumentsOf<P>];
}[V];

export type Command = SessionCommand | RequestCommand;

/** The command of that verb. */
export type CommandOf<Verb extends Command[0]> = Extract<Command, readonly [Verb, ...unknown[]]>;

export function toCommand<V extends RegistryVerb>(
  { verb, values }: Request<V>,
  number: number,
  connection: number,
): RequestCommand<V> {
  return [verb, number, connection, ...values];
}

/**
 * The first item on every channel. `cursor` is the last id that the shard was routed, or −1 for a shard that
 * was routed nothing yet. The registry first sends everything behind the cursor, then `caught_up`.
 */
export type Announcement = readonly [
  'announce',
  shard: number,
  cursor: number,
  sessions: readonly AnnouncedSession[],
];

/** `handled`: how many entries the shard has taken from this channel so far; it is the registry's credit. */
export type ToRegistry = Announcement | Command | readonly ['handled', entries: number];

export type Attached = readonly [
  'attached',
  number: number,
  account: number,
  user: string,
  rooms: readonly string[],
  /** The last id that has been routed. */
  routed: number,
  /** The session gets everything behind this id. */
  start: number,
];

/**
 * From here on the session gets what is routed. Before that: `entries`, which are all that it may see behind the
 * cursor that it gave. `rooms`: the ids of those that it is in.
 */
export type WentLive = readonly [
  'live',
  number: number,
  rooms: readonly number[],
  entries: readonly Entry[],
  lastId: number,
];

export type ToldPresence = readonly [
  'presence',
  account: number,
  user: string,
  online: boolean,
  rooms: readonly number[],
];

/** An entry for a shard. `number`: the command of that shard that it answers; 0 if it answers none. */
export type RoutedEntry = readonly ['entry', number: number, entry: Entry];

export type ToShard =
  | RoutedEntry
  | Attached
  /** `result`: null for none. */
  | readonly ['ok', number: number, result: unknown]
  | readonly ['error', number: number, code: RefusalCode]
  | WentLive
  /** The answer to `live` when the cursor is too far back: read on in the archive. */
  | readonly ['behind', number: number]
  /** Messages of the author that somebody has been shown. */
  | readonly ['delivered', author: number, ids: readonly number[]]
  | ToldPresence
  /** Ends the account's sessions. */
  | readonly ['expelled', account: number, code: FarewellCode]
  /** Everything up to this id has been routed, whether or not it concerned this shard. */
  | readonly ['cursor', id: number]
  | readonly ['caught_up'];

/** A routed entry as the shard receives it: what fan-out needs to know, and the frame of its event. */
export interface Delivery {
  readonly kind: Entry['kind'];
  readonly id: number;
  readonly at: number;
  /** The command of this shard that it answers; 0 if it answers none. */
  readonly number: number;
  /** The id of the account that said it, joined or left. */
  readonly account: number;
  /** The id of the room, or of the account that it is for. */
  readonly target: number;
  readonly key: string | null;
  /** The frame is the part of `bytes` from `start` to before `end`. */
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/** What comes out at a shard. Entries come as deliveries, everything else as it was. */
export type FromRegistry = Delivery | Exclude<ToShard, RoutedEntry>;
