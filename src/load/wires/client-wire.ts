/**
 * How the load test speaks to a server: one narrow interface for each protocol (`wires/`). A connection here is one socket and its
 * login. What the texts say is not its business.
 */

/** Who comes in. Without a password: as a guest, or by name alone where the protocol knows no accounts. */
export interface Visitor {
  readonly name: string;
  readonly password: string | undefined;
}

export type LoggedIn =
  | { readonly type: 'in' }
  /** Refused for now: may be asked again on the same connection. */
  | { readonly type: 'busy' }
  | { readonly type: 'refused'; readonly code: string }
  /** The connection ended before the answer. */
  | { readonly type: 'lost' };

/** In place of the number of a message, which are all from 0. */
export const UNMATCHED = -1;

/** Called by a connection. Nothing is called any more after `closed`. */
export interface WireHandler {
  /** Something has come: what is called from here on, until the next of these, came in one read. */
  came(): void;
  /**
   * A message has arrived. Its text is `bytes` from `start` to `end`, good only during the call. `id` rises with each message
   * of a connection, and with those that are acknowledged; 0 where the protocol has none.
   */
  message(bytes: Buffer, start: number, end: number, id: number): void;
  /** The message that `send` gave that number is stored (or taken, where the protocol stores nothing). */
  acknowledged(number: number, id: number): void;
  /** `number` is `UNMATCHED` where the protocol does not tell which message it was. */
  refused(number: number, code: string): void;
  /** The server sent something that nobody asked for: so many bytes. */
  unasked(bytes: number): void;
  /** Everything that was missed has come, and what is said from now on comes at once. */
  live(): void;
  /** Called once, last. `reason`: what the server said, or the error; empty for an end in order. */
  closed(reason: string): void;
}

export interface Connection {
  /** Logs in; or comes back behind what an earlier connection of that user had, where the protocol can do that. */
  enter(visitor: Visitor, past: Past | undefined): Promise<LoggedIn>;
  /** False if it was refused or the connection ended. */
  join(room: string): Promise<boolean>;
  /**
   * `number` tells the answer. `text` is ASCII, and good only during the call. `key` is the same when a message is repeated on another
   * connection.
   */
  send(to: string, text: Buffer, number: number, key: string | undefined): void;
  /** Reads nothing until `resume`. */
  pause(): void;
  resume(): void;
  /** What whoever comes back on another connection gives to `enter`. */
  past(): Past;
  /** Says goodbye. */
  quit(): void;
  /** Ends it at once, as a failing network would. */
  destroy(): void;
}

/** What a user takes along from one connection to the next. */
export interface Past {
  /** Opaque; undefined if the server gave none. */
  readonly token: string | undefined;
  /** The last id that it has. */
  readonly lastId: number;
}

export interface Wire {
  readonly name: string;
  /** Whether a message is answered: without that there is no `acknowledge` latency. */
  readonly acknowledges: boolean;
  /** Whether who was away gets what was missed. Without that, nobody can come back without loss. */
  readonly resumes: boolean;
  /** Whether messages and their answers carry ids that put all of them in one order, which rise on a connection and are the same for all. */
  readonly hasOrder: boolean;
  /** Bytes of the longest text. */
  readonly longestText: number;
  /** Resolves when the TCP connection stands (and its upgrade, where there is one). Rejects with the error of the socket. */
  connect(endpoint: Endpoint, handler: WireHandler): Promise<Connection>;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** The source address, so that ports do not run out; undefined for any. */
  readonly from: string | undefined;
}
