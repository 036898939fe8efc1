/**
 * One user of a load test: connects, logs in, joins its rooms, sends the messages it is given, and reconnects when its connection
 * is lost. It passes on whatever arrives.
 */

import { within } from '../../common/deadline.ts';
import {
  type Connection,
  type Credentials,
  type Endpoint,
  type ResumePoint,
  UNMATCHED,
  type Wire,
  type WireHandler,
} from '../wires/client-wire.ts';
import { now } from './clock.ts';
import type { Reader } from './delivery-check.ts';
import type { Latencies } from './latencies.ts';
import type { Writer } from './send-schedule.ts';

/** `gone`: disconnected for good. */
export type UserState = 'offline' | 'connecting' | 'online' | 'gone';

/** A message that has not been answered yet. */
export interface PendingSend {
  readonly writer: Writer;
  readonly counter: number;
  readonly due: number;
  /** True if it was sent again on another connection, so that the time to its answer says nothing about the server. */
  isRepeat: boolean;
}

export interface UserEvents {
  /** As in `WireHandler`. */
  readStarted(): void;
  message(user: User, bytes: Buffer, start: number, end: number, id: number): void;
  /** `id`: the id of the message; 0 if the protocol has none. */
  acknowledged(user: User, pending: PendingSend, id: number): void;
  refused(user: User, pending: PendingSend, code: string): void;
  /** It was unanswered when its connection was lost, and is about to be sent on another one. */
  resending(pending: PendingSend): void;
  /** It was not answered and will not be sent again. */
  unanswered(pending: PendingSend): void;
  /** The text to send. Valid until the next call. */
  textOf(pending: PendingSend): Buffer;
  /** Counts an error under the name `reason`. */
  failed(reason: string): void;
}

export interface UserOptions {
  readonly index: number;
  readonly reader: Reader;
  readonly credentials: Credentials;
  readonly rooms: readonly string[];
  readonly endpoint: Endpoint;
  readonly wire: Wire;
  readonly latencies: Latencies;
  /**
   * Prefix of the keys of messages. Keys allow a user that reconnects to send unanswered messages again. Undefined to send
   * without keys and to give up unanswered messages.
   */
  readonly keys: string | undefined;
  readonly events: UserEvents;
}

const BUSY_MS = 200;
/** How long a login is retried while the server is busy. */
const LONGEST_BUSY_MS = 60_000;
const BACK_OFF_MS = 50;
const LONGEST_BACK_OFF_MS = 2_000;
/** How long a replay of missed messages may take. */
const LIVE_MS = 60_000;
/**
 * Bytes of unexpected data that the server may send to one user. Beyond that the user disconnects for good, so that a server that
 * never stops sending cannot keep the run from ending.
 */
const UNEXPECTED_BYTES = 4 * 1_024 * 1_024;
/** Added for each unexpected frame, because small frames take time, too. */
const FRAME_BYTES = 64;

export class User implements WireHandler {
  readonly index: number;
  readonly reader: Reader;
  readonly #options: UserOptions;
  state: UserState = 'offline';
  /** When the user went live, in microseconds; Infinity while it is not live. */
  liveSince = Number.POSITIVE_INFINITY;
  /** True once it has stopped reading: later delays of what it receives are its own. */
  isSlow = false;
  /** True while it stays offline on purpose. */
  isAway = false;
  readonly #unanswered = new Map<number, PendingSend>();
  #nextNumber = 0;
  #connection: Connection | undefined;
  #resumePoint: ResumePoint | undefined;
  /** Resolves the wait for the end of the replay. */
  #live: (() => void) | undefined;
  #failures = 0;
  /** Set when it must not reconnect. */
  #isLeaving = false;
  #isReconnecting = false;
  #unexpectedBytes = 0;
  /** Called when a connection that was cut on purpose has ended. */
  #cut: (() => void) | undefined;

  constructor(options: UserOptions) {
    this.#options = options;
    this.index = options.index;
    this.reader = options.reader;
  }

  get isOnline(): boolean {
    return this.state === 'online';
  }

  get unansweredCount(): number {
    return this.#unanswered.size;
  }

  get unanswered(): Iterable<PendingSend> {
    return this.#unanswered.values();
  }

  /**
   * Connects, logs in and joins the rooms. `since`: when a reconnecting user started to do so. Resolves to true once it is
   * online.
   */
  async connect(since: number = now()): Promise<boolean> {
    const { wire, endpoint, latencies, events, credentials, rooms } = this.#options;
    this.state = 'connecting';
    const isReturning = this.#resumePoint !== undefined;
    const began = now();
    let connection: Connection;
    try {
      connection = await wire.connect(endpoint, this);
    } catch (error) {
      events.failed(`connect: ${error instanceof Error ? codeOf(error) : String(error)}`);
      this.state = 'offline';
      return false;
    }
    const connected = now();
    latencies.record('connect', connected - began);
    this.#connection = connection;
    const isLive = new Promise<void>((resolve) => {
      this.#live = resolve;
    });
    for (;;) {
      const result = await connection.login(credentials, this.#resumePoint);
      if (result.type === 'ok') break;
      if (result.type === 'lost') return false;
      events.failed(`login: ${result.type === 'busy' ? 'busy' : result.code}`);
      const isRefused = result.type === 'refused';
      if (isRefused || now() - connected > LONGEST_BUSY_MS * 1_000) {
        this.#isLeaving = isRefused;
        connection.destroy();
        return false;
      }
      await new Promise((resolve) => setTimeout(resolve, BUSY_MS));
    }
    if (!isReturning) latencies.record('login', now() - connected);
    if (
      !(await within(
        isLive.then(() => true),
        LIVE_MS,
        false,
      ))
    ) {
      events.failed(`login: not live in ${LIVE_MS / 1_000} s`);
      connection.destroy();
    }
    if (this.#connection !== connection) return false;
    if (isReturning) latencies.record('resume', now() - since);
    else for (const room of rooms) if (!(await connection.join(room))) events.failed(`join: ${room}`);
    if (this.#connection !== connection) return false;
    this.#failures = 0;
    this.state = 'online';
    this.liveSince = now();
    this.#resend();
    return true;
  }

  /** Sends a message on the current connection. */
  send(message: PendingSend): void {
    const number = this.#nextNumber;
    this.#nextNumber += 1;
    const { wire, keys, events } = this.#options;
    const { writer, counter } = message;
    if (wire.acknowledges) this.#unanswered.set(number, message);
    const key = keys === undefined ? undefined : `${keys}-${writer.id}-${counter}`;
    this.#connection?.send(writer.to, events.textOf(message), number, key);
  }

  /** Cuts the connection, and reconnects after that time. */
  cut(awayMs: number): void {
    const since = now() + awayMs * 1_000;
    this.isAway = true;
    this.#cut = () => {
      setTimeout(() => {
        this.isAway = false;
        void this.#reconnect(since);
      }, awayMs);
    };
    this.#connection?.destroy();
  }

  stopReading(): void {
    this.isSlow = true;
    this.#connection?.pause();
  }

  resumeReading(): void {
    this.#connection?.resume();
  }

  leave(): void {
    this.#isLeaving = true;
    if (this.state === 'online') this.#connection?.quit();
    else this.#connection?.destroy();
  }

  readStarted(): void {
    this.#options.events.readStarted();
  }

  message(bytes: Buffer, start: number, end: number, id: number): void {
    this.#options.events.message(this, bytes, start, end, id);
  }

  acknowledged(number: number, id: number): void {
    const pending = this.#unanswered.get(number);
    if (pending === undefined) {
      this.unexpected(0);
      return;
    }
    this.#unanswered.delete(number);
    this.#options.events.acknowledged(this, pending, id);
  }

  refused(number: number, code: string): void {
    if (number === UNMATCHED) this.#options.events.failed(`refused: ${code}`);
    const pending = this.#unanswered.get(number);
    if (pending === undefined) return;
    this.#unanswered.delete(number);
    this.#options.events.refused(this, pending, code);
  }

  unexpected(bytes: number): void {
    this.#unexpectedBytes += FRAME_BYTES + bytes;
    if (this.#unexpectedBytes <= UNEXPECTED_BYTES || this.#isLeaving) return;
    this.#options.events.failed('closed: the server sent too much unexpected data');
    this.#isLeaving = true;
    this.#connection?.destroy();
  }

  live(): void {
    this.#live?.();
  }

  closed(reason: string): void {
    const { events, wire } = this.#options;
    const wasOnline = this.state === 'online';
    // A connection lost during a replay has delivered a part of it.
    if (this.#connection !== undefined && (wasOnline || this.#resumePoint !== undefined)) {
      const { token = this.#resumePoint?.token, lastId } = this.#connection.resumePoint();
      this.#resumePoint = { token, lastId: Math.max(lastId, this.#resumePoint?.lastId ?? 0) };
    }
    this.#connection = undefined;
    this.#live?.();
    this.state = 'offline';
    this.liveSince = Number.POSITIVE_INFINITY;
    if (reason !== '') events.failed(`closed: ${reason}`);
    if (this.#options.keys === undefined) this.#giveUpUnanswered();
    const cut = this.#cut;
    this.#cut = undefined;
    if (this.#isLeaving) {
      this.state = 'gone';
      return;
    }
    if (!wire.resumes || this.#resumePoint?.token === undefined) {
      if (!wasOnline) return;
      this.state = 'gone';
      this.isAway = false;
    } else if (cut !== undefined) cut();
    else void this.#reconnect(now());
  }

  async #reconnect(since: number): Promise<void> {
    if (this.#isReconnecting) return;
    this.#isReconnecting = true;
    while (this.state === 'offline' && !this.#isLeaving) {
      if (this.#failures > 0) {
        const wait = Math.min(LONGEST_BACK_OFF_MS, BACK_OFF_MS * 2 ** this.#failures);
        await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random() / 2)));
      }
      this.#failures += 1;
      await this.connect(since);
    }
    this.#isReconnecting = false;
  }

  #giveUpUnanswered(): void {
    for (const pending of this.#unanswered.values()) this.#options.events.unanswered(pending);
    this.#unanswered.clear();
  }

  #resend(): void {
    const unanswered = [...this.#unanswered.values()];
    this.#unanswered.clear();
    for (const message of unanswered) {
      message.isRepeat = true;
      this.#options.events.resending(message);
      this.send(message);
    }
  }
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
