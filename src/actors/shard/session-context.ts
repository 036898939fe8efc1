/** The surroundings of a session: its client, and everything it shares with the other sessions of its shard. */

import type { Logger } from 'pino';
import type { Answer, FarewellCode } from '../../protocol/vocabulary.ts';
import type { Recipient } from './fanout.ts';
import type { ArchivePort, AuthPort, RegistryPort } from './ports.ts';
import type { ResumeQueue } from './resume-queue.ts';

/** Shared by all sessions of a shard. */
export interface SessionContext {
  readonly registry: RegistryPort;
  readonly auth: AuthPort;
  readonly archive: ArchivePort;
  readonly resumeQueue: ResumeQueue;
  /** The server's name and version, for the answer to `hello`. */
  readonly server: string;
  /** Upper limit of the last piece of a replay, which is sent to a client all at once, in bytes. */
  readonly replayBytes: number;
  readonly log: Logger;
}

/** The client as its session sees it: the other side of the connection. */
export interface Client extends Recipient {
  /** The IP address that it connects from. */
  readonly address: string;
  send(answer: Answer): void;
  /** Answers a `send`: the message was stored under this id, at this time. */
  sendStored(requestId: number, id: number, at: number): void;
  /** Resolves to true when nearly all output has gone to the network; false if that takes longer than this. */
  drained(timeoutMs: number): Promise<boolean>;
  /** Requests may be larger after login. */
  setLoggedIn(isLoggedIn: boolean): void;
  /** Starts the time limit for the next login. */
  loggedOut(): void;
  /** Tries to read on, because the reason for which `Session.mustPause` returned true may be gone. */
  resumeReading(): void;
  /** Reads no more requests. */
  stopReading(): void;
  /** Sends all queued output, then the farewell, and ends the connection. */
  end(code: FarewellCode, retryAfterMs: number | undefined): void;
}
