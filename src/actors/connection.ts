/**
 * The connection actor, one for each socket: anonymous → logged in → closing. It decodes frames, runs the
 * commands in them, and forwards what is not its own to auth or to the registry. While a password is being
 * checked its later frames wait, so that pipelined commands keep their order.
 */

import type { Logger } from 'pino';
import type { Greeting } from '../commands/arguments.ts';
import { type Caller, runCommand } from '../commands/table.ts';
import { decodeBody, encodeFrame } from '../transport/codec.ts';
import { FrameDecoder } from '../transport/frame.ts';
import { Outbox, type WriteTurn } from '../transport/outbox.ts';
import {
  type Answer,
  type FarewellCode,
  farewell,
  LIMITS,
  PROTOCOL_VERSION,
  type RefusalCode,
  refusal,
} from '../transport/protocol.ts';
import type { Wire } from '../transport/tcp.ts';
import { type ActorRef, type Behavior, stop } from './actor.ts';
import type { AuthAnswer } from './auth.ts';
import type { AuthCall } from './auth-api.ts';
import type { Recipient } from './fanout.ts';
import { FloodGate } from './flood.ts';
import type { Command } from './link.ts';

export type ConnectionMsg =
  | { readonly type: 'bytes'; readonly bytes: Buffer }
  /** Frames that had to wait may go on. */
  | { readonly type: 'go_on' }
  | { readonly type: 'ended' }
  | { readonly type: 'close'; readonly code: FarewellCode; readonly retryAfterMs?: number }
  | { readonly type: 'closed'; readonly error: Error | undefined };

/** What came of a request to the registry that the connection waits for. */
export type Settled =
  | { readonly type: 'done' }
  | { readonly type: 'attached'; readonly account: number; readonly user: string }
  | { readonly type: 'refused'; readonly code: RefusalCode };

/** What a connection needs of its shard. */
export interface Services {
  readonly server: string;
  readonly outboxLimit: number;
  readonly commandsPerSecond: number;
  readonly turn: WriteTurn;
  readonly log: Logger;
  /** True when the registry has as much to do as it may: nothing more is forwarded until it has caught up. */
  readonly isCongested: boolean;
  /** The number for the next command to the registry. */
  number(): number;
  /** Forwards a command whose answer goes straight to the client. */
  forward(connection: Connection, requestId: number, command: Command): void;
  /** Forwards a command that the connection waits for. */
  ask(connection: Connection, requestId: number, command: Command): Promise<Settled>;
  authenticate(call: AuthCall): Promise<AuthAnswer>;
  /** Called when a connection became anonymous again, so that it gets only so long to log in. */
  loggedOut(connection: Connection): void;
  /** Takes the session out of everything that is routed; the registry hears of it. */
  leave(connection: Connection): Promise<void>;
  /** Tells the connection to go on once there is room at the registry. */
  waitForRoom(connection: Connection): void;
  closed(connection: Connection): void;
}

/** Requests of one connection that the registry has not answered. Policy: its later frames wait. */
const UNANSWERED_LIMIT = 1_000;

export function connection(services: Services, wire: Wire, id: number): Behavior<Connection, ConnectionMsg> {
  return {
    init: (self) => new Connection(services, wire, id, self),
    receive(state, msg) {
      if (msg.type === 'closed') {
        state.closed(msg.error);
        return stop();
      }
      const done = state.receive(msg);
      return done === undefined ? state : done.then(() => state);
    },
    stopped(state, reason) {
      if (reason.type === 'failed') state.fail(reason.error);
    },
  };
}

export class Connection implements Caller, Recipient {
  readonly id: number;
  readonly #services: Services;
  readonly #wire: Wire;
  readonly #outbox: Outbox;
  readonly #decoder = new FrameDecoder(LIMITS.frameBeforeLogin);
  readonly #flood: FloodGate;
  readonly #self: ActorRef<ConnectionMsg>;
  state: 'anonymous' | 'guest' | 'account' = 'anonymous';
  account = 0;
  user = '';
  #isClosing = false;
  /** The peer will send no more. */
  #hasEnded = false;
  /** Set when the connection is to end as soon as everything that was asked before has been answered. */
  #ending: { readonly code: FarewellCode; readonly last: Answer | undefined } | undefined;
  #isPaused = false;
  #unanswered = 0;

  constructor(services: Services, wire: Wire, id: number, self: ActorRef<ConnectionMsg>) {
    this.id = id;
    this.#services = services;
    this.#wire = wire;
    this.#self = self;
    this.#flood = new FloodGate(services.commandsPerSecond);
    this.#outbox = new Outbox(services.turn, wire, services.outboxLimit, () => {
      self.tell({ type: 'close', code: 'too_slow' });
    });
  }

  receive(msg: Exclude<ConnectionMsg, { type: 'closed' }>): undefined | Promise<void> {
    switch (msg.type) {
      case 'bytes':
        this.#decoder.push(msg.bytes);
        return this.#readFrames();
      case 'go_on':
        return this.#readFrames();
      case 'ended':
        if (!this.#isPaused) this.#end('quit', undefined);
        this.#hasEnded = true;
        return undefined;
      case 'close':
        this.#close(msg.code, msg.retryAfterMs);
        return undefined;
      default:
        return msg satisfies never;
    }
  }

  push(frame: Buffer): void {
    this.#outbox.push(frame);
  }

  /** The registry's answer to a request that was forwarded. */
  answer(answer: Answer): void {
    this.#unanswered -= 1;
    this.#respond(answer);
    if (this.#ending !== undefined) this.#closeWhenAnswered();
    else if (this.#isPaused) this.#self.tell({ type: 'go_on' });
  }

  closed(error: Error | undefined): void {
    this.#isClosing = true;
    this.#outbox.close();
    void this.#leave();
    const fields = { event: 'connection.closed', connection: this.id, user: this.user || undefined };
    this.#services.log.info({ ...fields, error: error?.message }, 'connection closed');
    this.#services.closed(this);
  }

  /** A bug in handling this connection ends this connection, and nothing else. */
  fail(error: Error): void {
    this.#services.log.error(
      { event: 'connection.failed', connection: this.id, err: error },
      'connection failed',
    );
    this.#close('failed');
    this.closed(undefined);
  }

  greet(requestId: number, hello: Greeting | null | undefined): void {
    if (hello?.version !== undefined && hello.version !== PROTOCOL_VERSION) {
      this.#respond(refusal(requestId, 'bad_version'));
      return;
    }
    const result = { version: PROTOCOL_VERSION, server: this.#services.server, limits: LIMITS };
    this.#respond(['ok', requestId, result]);
  }

  async register(requestId: number, user: string, password: string): Promise<void> {
    const address = this.#wire.address;
    const answer = await this.#services.authenticate({ type: 'register', user, password, address });
    if (answer.type === 'refused') return this.#respond(refusal(requestId, answer.code));
    const command = ['account', this.#services.number(), answer.user, answer.since] as const;
    const settled = await this.#services.ask(this, requestId, command);
    if (settled.type === 'done') this.#log('registered', answer.user);
    this.#respond(settled.type === 'refused' ? refusal(requestId, settled.code) : ['ok', requestId]);
  }

  async login(requestId: number, user: string, password: string): Promise<void> {
    const address = this.#wire.address;
    const answer = await this.#services.authenticate({ type: 'login', user, password, address });
    if (answer.type === 'refused') return this.#respond(refusal(requestId, answer.code));
    await this.#attach(requestId, answer.user, 'account');
  }

  async guest(requestId: number, name: string): Promise<void> {
    const answer = await this.#services.authenticate({ type: 'claim', user: name });
    if (answer.type === 'refused') return this.#respond(refusal(requestId, answer.code));
    const attached = await this.#attach(requestId, name, 'guest');
    if (!attached) await this.#services.authenticate({ type: 'release', user: name });
  }

  async changePassword(requestId: number, old: string, next: string): Promise<void> {
    const call = {
      type: 'change',
      user: this.user,
      password: old,
      next,
      address: this.#wire.address,
    } as const;
    const answer = await this.#services.authenticate(call);
    if (answer.type === 'refused') return this.#respond(refusal(requestId, answer.code));
    this.#log('password.changed', this.user);
    const settled = await this.#services.ask(this, requestId, ['expel', this.#services.number(), this.id]);
    this.#respond(settled.type === 'refused' ? refusal(requestId, settled.code) : ['ok', requestId]);
  }

  async logout(requestId: number): Promise<void> {
    this.#log('logout', this.user);
    await this.#leave();
    this.#services.loggedOut(this);
    this.#respond(['ok', requestId]);
  }

  quit(requestId: number): void {
    this.#end('quit', ['ok', requestId]);
  }

  pong(requestId: number): void {
    this.#respond(['ok', requestId]);
  }

  send(requestId: number, to: string, text: string, key: string | null): void {
    this.#forward(requestId, ['send', this.#services.number(), this.id, to, text, key]);
  }

  join(requestId: number, room: string): void {
    this.#forward(requestId, ['join', this.#services.number(), this.id, room]);
  }

  leave(requestId: number, room: string): void {
    this.#forward(requestId, ['leave', this.#services.number(), this.id, room]);
  }

  who(requestId: number, room: string | null, after: string | null): void {
    this.#forward(requestId, ['who', this.#services.number(), room, after]);
  }

  rooms(requestId: number, after: string | null): void {
    this.#forward(requestId, ['rooms', this.#services.number(), after]);
  }

  /** Runs the frames that are there, as far as it may; pauses the socket while it may not. */
  #readFrames(): undefined | Promise<void> {
    this.#flood.fill(Date.now());
    while (!this.#isClosing && this.#ending === undefined && !this.#mustWait()) {
      const decoded = this.#decoder.next();
      if (decoded.type === 'more') {
        this.#resume();
        if (this.#hasEnded) this.#end('quit', undefined);
        return undefined;
      }
      if (decoded.type === 'fault') {
        this.#end('bad_frame', refusal(null, decoded.fault));
        return undefined;
      }
      const running = this.#runFrame(decoded.body);
      if (running !== undefined) {
        this.#pause();
        return running.then(() => this.#readFrames());
      }
    }
    return undefined;
  }

  #runFrame(body: Buffer): undefined | Promise<boolean> {
    const request = decodeBody(body);
    if (request === undefined) {
      this.#respond(refusal(null, 'malformed'));
      return undefined;
    }
    const ran = runCommand(this, request);
    if (ran === 'done') return undefined;
    if (ran instanceof Promise) return ran;
    this.#respond(ran);
    return undefined;
  }

  #mustWait(): boolean {
    if (this.#unanswered >= UNANSWERED_LIMIT) {
      this.#pause();
      return true;
    }
    if (this.#services.isCongested) {
      this.#pause();
      this.#services.waitForRoom(this);
      return true;
    }
    const wait = this.#flood.take();
    if (wait === 0) return false;
    this.#pause();
    setTimeout(() => this.#self.tell({ type: 'go_on' }), wait);
    return true;
  }

  #pause(): void {
    this.#isPaused = true;
    this.#wire.pause();
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#wire.resume();
  }

  #forward(requestId: number, command: Command): void {
    this.#unanswered += 1;
    this.#services.forward(this, requestId, command);
  }

  async #attach(requestId: number, user: string, as: 'account' | 'guest'): Promise<boolean> {
    const command = ['attach', this.#services.number(), this.id, user, as === 'guest'] as const;
    const settled = await this.#services.ask(this, requestId, command);
    if (settled.type !== 'attached') {
      this.#respond(refusal(requestId, settled.type === 'refused' ? settled.code : 'unavailable'));
      return false;
    }
    this.#log(as === 'guest' ? 'guest' : 'login', this.user);
    return true;
  }

  /** Called in the very turn in which the registry has made this connection a session of the account. */
  attached(account: number, user: string, isGuest: boolean): void {
    this.state = isGuest ? 'guest' : 'account';
    this.account = account;
    this.user = user;
    this.#decoder.limit = LIMITS.frame;
  }

  async #leave(): Promise<void> {
    if (this.state === 'anonymous') return;
    const { user } = this;
    const isGuest = this.state === 'guest';
    this.state = 'anonymous';
    this.#decoder.limit = LIMITS.frameBeforeLogin;
    await this.#services.leave(this);
    if (isGuest) await this.#services.authenticate({ type: 'release', user });
    this.account = 0;
    this.user = '';
  }

  /** Reads no more. What was asked before is answered first, then comes the `last` answer, then the farewell. */
  #end(code: FarewellCode, last: Answer | undefined): void {
    this.#ending = { code, last };
    this.#closeWhenAnswered();
  }

  #closeWhenAnswered(): void {
    if (this.#ending === undefined || this.#unanswered > 0) return;
    if (this.#ending.last !== undefined) this.#respond(this.#ending.last);
    this.#close(this.#ending.code);
  }

  /** What was pushed goes out, then the farewell, then the end. */
  #close(code: FarewellCode, retryAfterMs?: number): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#log('connection.closing', code);
    this.#outbox.flush();
    this.#outbox.close();
    this.#wire.write(encodeFrame(farewell(code, retryAfterMs)));
    this.#wire.end();
    void this.#leave();
  }

  #respond(answer: Answer): void {
    if (answer[0] === 'error') {
      const fields = { event: 'refused', connection: this.id, user: this.user || undefined, code: answer[2] };
      this.#services.log.info(fields, 'refused');
    }
    this.push(encodeFrame(answer));
  }

  #log(event: string, subject: string): void {
    this.#services.log.info({ event, connection: this.id, subject }, event);
  }
}
