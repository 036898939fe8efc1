/**
 * The interface between the load test and the protocols of the servers it measures. Each protocol is a `Wire`, and each of its
 * connections is one socket with one login. A wire does not interpret the texts of messages.
 */

/** Without a password, the login is a guest's, or by name alone if the protocol has no accounts. */
export interface Credentials {
  readonly name: string;
  readonly password: string | undefined;
}

export type LoginResult =
  | { readonly type: 'ok' }
  /** Refused for now; `login` may be called again on the same connection. */
  | { readonly type: 'busy' }
  | { readonly type: 'refused'; readonly code: string }
  /** The connection ended before the answer. */
  | { readonly type: 'lost' };

/** Stands for an unknown message number. Real numbers start at 0. */
export const UNMATCHED = -1;

/** Receives what happens on a connection. */
export interface WireHandler {
  /** A read of the socket has returned. All calls until the next `readStarted` concern bytes of this read. */
  readStarted(): void;
  /**
   * A message has arrived. Its text is `bytes` from `start` up to `end`, valid only during the call. `id` ascends over the
   * messages and acknowledgements of a connection; 0 if the protocol has no ids.
   */
  message(bytes: Buffer, start: number, end: number, id: number): void;
  /** The server has stored the message that `send` numbered so, or accepted it, if the protocol stores nothing. */
  acknowledged(number: number, id: number): void;
  /** `number` is `UNMATCHED` if the protocol does not say which message was refused. */
  refused(number: number, code: string): void;
  /** The server sent this many bytes that the protocol does not allow here. */
  unexpected(bytes: number): void;
  /** Every missed message has arrived; from now on messages arrive as they are sent. */
  live(): void;
  /** Called once, as the last call. `reason`: the server's farewell or the error; empty if the client ended the connection. */
  closed(reason: string): void;
}

export interface Connection {
  /** `from`: the resume point of the user's previous connection, if the protocol can resume. */
  login(credentials: Credentials, from: ResumePoint | undefined): Promise<LoginResult>;
  /** Resolves to false if the join was refused or the connection ended. */
  join(room: string): Promise<boolean>;
  /**
   * `number` identifies the message in `acknowledged` and `refused`. `text` is ASCII, and valid only during the call. A message
   * that is sent again on another connection has the same `key`.
   */
  send(to: string, text: Buffer, number: number, key: string | undefined): void;
  /** Stops reading until `resume`. */
  pause(): void;
  resume(): void;
  /** For the `login` of the user's next connection. */
  resumePoint(): ResumePoint;
  /** Logs out and lets the server close the connection. */
  quit(): void;
  /** Drops the connection, as a failing network would. */
  destroy(): void;
}

/** Where a user's next connection continues. */
export interface ResumePoint {
  /** Opaque; undefined if the server gave none. */
  readonly token: string | undefined;
  /** The last id received. */
  readonly lastId: number;
}

export interface Wire {
  readonly name: string;
  /** Whether the server answers each message. If not, there is no `acknowledge` latency. */
  readonly acknowledges: boolean;
  /** Whether users that reconnect receive the messages they missed. */
  readonly resumes: boolean;
  /** Whether messages and their answers carry ids that are the same for all users and ascend on each connection. */
  readonly hasOrder: boolean;
  /** The longest text that may be sent, in bytes. */
  readonly longestText: number;
  /** Resolves when the TCP connection, and its upgrade if there is one, is open. Rejects with the error of the socket. */
  connect(endpoint: Endpoint, handler: WireHandler): Promise<Connection>;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** The source address; undefined for any. Several of them prevent a shortage of ports. */
  readonly from: string | undefined;
}
