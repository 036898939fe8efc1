/**
 * The items that a shard and the registry send each other over their link. An item is a tuple whose first element is its
 * type.
 *
 * A shard numbers its commands. In an answer or an entry, `number` is the number of the command that it answers.
 */

import type { Entry } from '../../chat/entry.ts';
import type { ArgumentsOf, Request, VerbOf } from '../../protocol/verbs.ts';
import type { FarewellCode, RefusalCode } from '../../protocol/vocabulary.ts';

/** A session of the shard, as announced to a registry that has restarted. */
export type AnnouncedSession = readonly [connection: number, account: number, name: string, isLive: boolean];

/** Commands that begin, continue and end a session, and one (`account`) that reports a registration. */
type SessionCommand =
  | readonly [
      'attach',
      number: number,
      connection: number,
      user: string,
      guest: boolean,
      /** The last id that the client has; null to replay from the account's mark. */
      lastId: number | null,
    ]
  /**
   * Asks to go live. The session has been sent everything up to `cursor` that it may see. The registry answers with the
   * rest if that fits into about `bytes` bytes, and from then on routes entries to the session.
   */
  | readonly ['live', number: number, connection: number, cursor: number, bytes: number]
  | readonly ['detach', number: number, connection: number]
  | readonly ['account', number: number, connection: number, user: string];

export type RegistryVerb = VerbOf<'registry'>;

/** A client's request to the registry, with the arguments that the session has checked. */
export type RequestCommand<V extends RegistryVerb = RegistryVerb> = {
  [P in V]: readonly [verb: P, number: number, connection: number, ...values: ArgumentsOf<P>];
}[V];

export type Command = SessionCommand | RequestCommand;

/** The command with that verb. */
export type CommandOf<Verb extends Command[0]> = Extract<Command, readonly [Verb, ...unknown[]]>;

export function toCommand<V extends RegistryVerb>(
  { verb, values }: Request<V>,
  number: number,
  connection: number,
): RequestCommand<V> {
  return [verb, number, connection, ...values];
}

/**
 * The first item on every link. `shard` identifies this run of the shard's thread. `cursor` is the last id that the
 * registry routed to the shard, or −1 if there is none yet. The registry sends everything after the cursor, then
 * `caught_up`.
 */
export type Announcement = readonly [
  'announce',
  shard: number,
  cursor: number,
  sessions: readonly AnnouncedSession[],
];

/** `handled`: how many entries from this link the shard has handled so far. It renews the registry's credit. */
export type ToRegistry = Announcement | Command | readonly ['handled', entries: number];

export type Attached = readonly [
  'attached',
  number: number,
  account: number,
  user: string,
  rooms: readonly string[],
  /** The last id that the registry has routed. */
  routed: number,
  /** The session gets everything after this id. */
  start: number,
];

/**
 * The session is live: it gets the entries that are routed from here on. `entries`: everything that it may see after the
 * cursor that it sent, up to `lastId`. `rooms`: the ids of the account's rooms.
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

/** An entry for a shard. `number`: the shard's command that the entry answers; 0 if it answers none. */
export type RoutedEntry = readonly ['entry', number: number, entry: Entry];

export type ToShard =
  | RoutedEntry
  | Attached
  /** `result`: null for none. */
  | readonly ['ok', number: number, result: unknown]
  | readonly ['error', number: number, code: RefusalCode]
  | WentLive
  /** The answer to `live` if the cursor is too old: the shard has to read more from the archive first. */
  | readonly ['behind', number: number]
  /** Messages of the author that a recipient has seen. */
  | readonly ['delivered', author: number, ids: readonly number[]]
  | ToldPresence
  /** Ends the account's sessions. */
  | readonly ['expelled', account: number, code: FarewellCode]
  /** The registry has routed everything up to this id, even if none of it was for this shard. */
  | readonly ['cursor', id: number]
  | readonly ['caught_up'];

/** A routed entry as the shard receives it: the fields that fan-out needs, and the frame of its event. */
export interface Delivery {
  readonly kind: Entry['kind'];
  readonly id: number;
  readonly at: number;
  /** The command of this shard that the entry answers; 0 if it answers none. */
  readonly number: number;
  /** The id of the account that wrote the message, joined or left. */
  readonly account: number;
  /** The id of the room, or of the recipient's account. */
  readonly target: number;
  readonly key: string | null;
  /** The frame is the part of `bytes` from `start` up to but not including `end`. */
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/** The items as a shard receives them: entries are deliveries, all others are unchanged. */
export type FromRegistry = Delivery | Exclude<ToShard, RoutedEntry>;
