/**
 * A connection: the socket, dialect and queues of one client, and its session. Bytes come in through the dialect's codec and
 * go out through the outbox; what they mean is the session's business.
 *
 * An object that the socket and the shard call on the shard's thread, not an actor. Requests are handled one after the other
 * because the intake pauses the socket while one of them has to wait.
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
import { FloodGate } from './rate-limiter.ts';
import { type RequestHandler, RequestIntake } from './request-intake.ts';
import { Session } from './session.ts';
import type { Client, SessionContext } from './session-context.ts';

/** What all connections of a shard share. */
export interface ConnectionContext {
  readonly sessions: SessionContext;
  readonly turn: WriteTurn;
  /** Bytes that may wait for a client. */
  readonly outboxLimit: number;
  readonly commandsPerSecond: number;
  readonly log: Logger;
  /** The client gets only so long to log in again. */
  loggedOut(connection: Connection): void;
  /** The socket is gone. Called once, last. */
  closed(connection: Connection): void;
}

export class Connection implements Client, Recipient, RequestHandler, OutboxOwner, WireHandler {
  readonly session: Session;
  readonly #context: ConnectionContext;
  readonly #wire: Wire;
  readonly #codec: Codec;
  readonly #outbox: Outbox;
  readonly #intake: RequestIntake;
  #hasSpoken = false;

  constructor(context: ConnectionContext, dialect: Dialect, wire: Wire, id: number) {
    this.#context = context;
    this.#wire = wire;
    this.#codec = dialect.open(LIMITS.frameBeforeLogin);
    const flood = new FloodGate(context.commandsPerSecond, performance.now());
    this.#intake = new RequestIntake(wire, this.#codec, flood, this);
    this.#outbox = new Outbox(context.turn, wire, context.outboxLimit, this);
    this.session = new Session(context.sessions, this, id);
  }

  get account(): number {
    return this.session.account;
  }

  get address(): string {
    return this.#wire.address;
  }

  /** Finished native frames, one or several side by side: the bytes from `start` to before `end`, or all of them. */
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

  resume(): void {
    this.#intake.wakeIfPaused();
  }

  stopReading(): void {
    this.#intake.shut();
  }

  end(code: FarewellCode, retryAfterMs: number | undefined): void {
    // Scans and health checks only connect.
    const fields = { event: 'connection.closing', connection: this.session.id, subject: code };
    this.#context.log[this.#hasSpoken ? 'info' : 'debug'](fields, 'connection.closing');
    this.#intake.shut();
    this.#outbox.flush();
    this.#outbox.close();
    this.#wire.write(this.#codec.encode(farewell(code, retryAfterMs)));
    this.#wire.end();
  }

  overflow(): void {
    this.session.close('too_slow');
  }

  /** Ends it when the client breaks its promise: nothing came for twice the time. Time before `awakeAt` does not count. */
  checkHeartbeat(now: number, awakeAt: number): void {
    const { heartbeatMs } = this.session;
    if (heartbeatMs === 0) return;
    const heardAt = this.#intake.heardAt ?? now;
    if (now - Math.max(heardAt, awakeAt) > 2 * heartbeatMs) this.session.close('silent');
  }

  /** Ends it at once if it is one of these, whose peers are gone. */
  abandonIfAmong(locals: ReadonlyMap<string, string>): void {
    if (this.#wire.isAmong(locals)) this.#wire.abandon('the peer does not acknowledge anything any more');
  }

  data(bytes: Buffer): void {
    if (!this.#hasSpoken) this.#logOpened();
    this.#contain(() => this.#intake.take(bytes));
  }

  ended(): void {
    this.#intake.end();
  }

  closed(error: Error | undefined): void {
    // Scans and health checks, which never send a byte, would fill the log.
    const fields = { event: 'connection.closed', connection: this.session.id, error: error?.message };
    this.#context.log[this.#hasSpoken ? 'info' : 'debug'](fields, 'connection closed');
    this.#intake.shut();
    this.#outbox.close();
    this.session.lost();
    this.#context.closed(this);
  }

  request(request: readonly unknown[] | undefined): undefined | Promise<void> {
    return this.session.take(request);
  }

  fault(fault: RefusalCode): void {
    this.session.finish(fault);
  }

  finished(): void {
    this.session.finish(undefined);
  }

  isHeldBack(): boolean {
    return this.session.isHeldBack();
  }

  /** In a microtask: whoever frees the way may be in the middle of a batch. */
  wake(): void {
    queueMicrotask(() => this.#contain(() => this.#intake.goOn()));
  }

  /** A bug in handling this connection ends this connection, and nothing else. */
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
    this.#hasSpoken = true;
    const fields = { event: 'connection.opened', connection: this.session.id, address: this.address };
    this.#context.log.info(fields, 'connection opened');
  }
}
