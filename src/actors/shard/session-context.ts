/** What a session has around it: its client, and what it shares with the other sessions of its shard. */

import type { Logger } from 'pino';
import type { Answer, FarewellCode } from '../../protocol/vocabulary.ts';
import type { Recipient } from './fanout.ts';
import type { ArchivePort, AuthPort, RegistryPort } from './ports.ts';
import type { Entrance } from './resume-queue.ts';

/** What all sessions of a shard share. */
export interface SessionContext {
  readonly registry: RegistryPort;
  readonly auth: AuthPort;
  readonly archive: ArchivePort;
  /** Those who come back by token take turns. */
  readonly resumes: Entrance;
  /** What `hello` tells of the server. */
  readonly server: string;
  /** Most bytes that may be sent to a client at once when it goes live. */
  readonly replayBytes: number;
  readonly log: Logger;
}

/** The client as its session knows it: the other side of the connection. */
export interface Client extends Recipient {
  /** Where it connects from. */
  readonly address: string;
  send(answer: Answer): void;
  /** The answer to `send`: stored under that id, at that time. */
  sendStored(requestId: number, id: number, at: number): void;
  /** Resolves when nearly all that was sent has gone to the network; false if that takes longer. */
  drained(timeoutMs: number): Promise<boolean>;
  /** Accepts larger requests once it is logged in. */
  setLoggedIn(isLoggedIn: boolean): void;
  /** It has logged out, and gets only so long to log in again. */
  loggedOut(): void;
  /** Something that held its requests back may have changed. */
  resume(): void;
  /** No further requests are taken. */
  stopReading(): void;
  /** Sends what waits, then the farewell, and ends the connection. */
  end(code: FarewellCode, retryAfterMs: number | undefined): void;
}
