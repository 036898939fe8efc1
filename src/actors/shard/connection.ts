/**
 * A connection: the socket, codec and queues of one client, and its session. The intake decodes input into requests, and the
 * outbox queues output; the session handles the requests.
 *
 * The socket and the shard call it directly, on the shard's thread; it is not an actor. Requests are handled one after the
 * other because the intake pauses the socket while a request has to wait.
 */

import type { Logger } from 'pino';
import type { Codec, Dialect } from '../../dialects/dialect.ts';
import {
  type Answer,
  type FarewellCode,
  farewell,
  LIMITS,
  type RefusalCode,
} from '../../protocol/vocabulary.ts';
import { Outbox, type OutboxOwner, type WriteTurn } from '../../transport/outbox.ts';
import type { Wire, WireHandler } from '../../transport/tcp.ts';
import type { Recipient } from './fanout.ts';
import { TokenBucket } from './rate-limiter.ts';
import { type RequestHandler, RequestIntake } from './request-intake.ts';
import { Session } from './session.ts';
import type { Client, SessionContext } from './session-context.ts';

/** Shared by all connections of a shard. */
export interface ConnectionContext {
  readonly sessions: SessionContext;
  readonly turn: WriteTurn;
  /** Upper limit of the output queued for one client, in bytes. */
  readonly outboxLimit: number;
  readonly commandsPerSecond: number;
  readonly log: Logger;
  /** Starts the time limit for the next login. */
  loggedOut(connection: Connection): void;
  /** The socket is closed. Called once, as the last call. */
  closed(connection: Connection): void;
}

export class Connection implements Client, Recipient, RequestHandler, OutboxOwner, WireHandler {
  readonly session: Session;
  readonly #context: ConnectionContext;
  readonly #wire: Wire;
  readonly #codec: Codec;
  readonly #outbox: Outbox;
  readonly #intake: RequestIntake;
  #hasReceived = false;

  constructor(context: ConnectionContext, dialect: Dialect, wire: Wire, id: number) {
    this.#context = context;
    this.#wire = wire;
    this.#codec = dialect.open(LIMITS.frameBeforeLogin);
    const rate = new TokenBucket(context.commandsPerSecond, performance.now());
    this.#intake = new RequestIntake(wire, this.#codec, rate, this);
    this.#outbox = new Outbox(context.turn, wire, context.outboxLimit, this);
    this.session = new Session(context.sessions, this, id);
  }

  get account(): number {
    return this.session.account;
  }

  get address(): string {
    return this.#wire.address;
  }

  /** Queues native frames, one or several: the bytes from `start` up to `end`, or all of them if these are left out. */
  push(frames: Buffer, start?: number, end?: number): void {
    const { translation } = this.#codec;
    if (translation === undefined) this.#outbox.push(frames, start, end);
    else this.#outbox.push(translation.of(frames, start, end));
  }

  send(answer: Answer): void {
    this.#outbox.push(this.#codec.encode(answer));
  }

  sendStored(requestId: number, id: number, at: number): void {
    this.#codec.stored(this.#outbox, this.#context.turn.arena, requestId, id, at);
  }

  drained(timeoutMs: number): Promise<boolean> {
    this.#outbox.flush();
    return this.#wire.drained(timeoutMs);
  }

  setLoggedIn(isLoggedIn: boolean): void {
    this.#codec.limit = isLoggedIn ? LIMITS.frame : LIMITS.frameBeforeLogin;
  }

  loggedOut(): void {
    this.#context.loggedOut(this);
  }

  resumeReading(): void {
    this.#intake.wakeIfPaused();
  }

  stopReading(): void {
    this.#intake.close();
  }

  end(code: FarewellCode, retryAfterMs: number | undefined): void {
    // Port scans and health checks, which never send a byte, would fill the log.
    const fields = { event: 'connection.closing', connection: this.session.id, subject: code };
    this.#context.log[this.#hasReceived ? 'info' : 'debug'](fields, 'connection.closing');
    this.#intake.close();
    this.#outbox.flush();
    this.#outbox.close();
    this.#wire.write(this.#codec.encode(farewell(code, retryAfterMs)));
    this.#wire.end();
  }

  overflow(): void {
    this.session.close('too_slow');
  }

  /**
   * Disconnects a client that broke its heartbeat promise: it sent nothing for twice the promised time. Time before `awakeAt`
   * does not count, because this thread did not run.
   */
  checkHeartbeat(now: number, awakeAt: number): void {
    const { heartbeatMs } = this.session;
    if (heartbeatMs === 0) return;
    const heardAt = this.#intake.heardAt ?? now;
    if (now - Math.max(heardAt, awakeAt) > 2 * heartbeatMs) this.session.close('silent');
  }

  /** Drops the connection if it is one of these, whose clients are gone. */
  abandonIfAmong(locals: ReadonlyMap<string, string>): void {
    if (this.#wire.isAmong(locals)) this.#wire.abandon('the peer no longer acknowledges anything');
  }

  data(bytes: Buffer): void {
    if (!this.#hasReceived) this.#logOpened();
    this.#contain(() => this.#intake.take(bytes));
  }

  ended(): void {
    this.#intake.end();
  }

  closed(error: Error | undefined): void {
    // As in `end`.
    const fields = { event: 'connection.closed', connection: this.session.id, error: error?.message };
    this.#context.log[this.#hasReceived ? 'info' : 'debug'](fields, 'connection closed');
    this.#intake.close();
    this.#outbox.close();
    this.session.disconnected();
    this.#context.closed(this);
  }

  request(request: readonly unknown[] | undefined): undefined | Promise<void> {
    return this.session.handle(request);
  }

  fault(fault: RefusalCode): void {
    this.session.finish(fault);
  }

  finished(): void {
    this.session.finish(undefined);
  }

  mustPause(): boolean {
    return this.session.mustPause();
  }

  /** Waits for a microtask, because the caller may be in the middle of a batch. */
  wake(): void {
    queueMicrotask(() => this.#contain(() => this.#intake.resumeReading()));
  }

  /** A bug that one client triggers ends only that client's connection. */
  #contain(handle: () => undefined | Promise<void>): void {
    try {
      handle()?.catch((error: unknown) => this.#fail(error));
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(cause: unknown): void {
    const err = cause instanceof Error ? cause : new Error(String(cause));
    const fields = { event: 'connection.failed', connection: this.session.id, err };
    this.#context.log.error(fields, 'connection failed');
    this.session.close('failed');
  }

  #logOpened(): void {
    this.#hasReceived = true;
    const fields = { event: 'connection.opened', connection: this.session.id, address: this.address };
    this.#context.log.info(fields, 'connection opened');
  }
}
