/**
 * The connection actor, one for each socket: anonymous → logged in → closing. It runs the commands that come in,
 * and forwards what is not its own to auth or to the registry. While a password is being checked its later frames
 * wait, so that pipelined commands keep their order.
 */

import { foldName } from '../../chat/names.ts';
import { decodeBody, encodeFrame } from '../../protocol/codec.ts';
import type { HeaderFault } from '../../protocol/frame.ts';
import { STORED_BYTES, writeStored } from '../../protocol/message-frame.ts';
import {
  type ArgumentsOf,
  checkRequest,
  type LoginState,
  type Request,
  type VerbOf,
} from '../../protocol/verbs.ts';
import {
  type Answer,
  type FarewellCode,
  farewell,
  LIMITS,
  PROTOCOL_VERSION,
  type RefusalCode,
  refusal,
} from '../../protocol/vocabulary.ts';
import { Outbox, type OutboxOwner } from '../../transport/outbox.ts';
import type { Wire } from '../../transport/tcp.ts';
import type { AuthAnswer } from '../auth/auth.ts';
import type { AuthCall, Credential, Standing } from '../auth/auth-api.ts';
import type { ActorRef, Behavior, ExitReason } from '../kernel/actor.ts';
import { toCommand } from '../link/messages.ts';
import { askArchive } from './archive-client.ts';
import type { Recipient } from './fanout.ts';
import { Inlet, type InletHandler } from './frame-intake.ts';
import { FloodGate } from './rate-limiter.ts';
import { nameForLog, Refusals } from './refusal-log.ts';
import { PAGE_PAUSE_MS, replay } from './replay.ts';
import type { Services, Settled } from './services.ts';

/** That the connection is lost is no message: then the actor is stopped, whatever is waiting. */
export type ConnectionMsg =
  | { readonly type: 'bytes'; readonly bytes: Buffer }
  /** Frames that had to wait may go on. */
  | { readonly type: 'go_on' }
  /** The peer will send no more. */
  | { readonly type: 'ended' };

/** Requests of one connection that the registry has not answered. Policy: its later frames wait. */
const UNANSWERED_LIMIT = 1_000;
/** How long, and how often, it is tried to end the token of a peer that has logged out and is gone. */
const END_TOKEN_MS = 60_000;
const END_TOKEN_PAUSE_MS = 500;
/** Refusals of an auth thread that is being started again. */
const AWAY: ReadonlySet<RefusalCode> = new Set(['unavailable', 'timed_out']);

/** Of one connection. A class, because there are many, and closures take more room. */
export class ConnectionBehavior implements Behavior<Connection, ConnectionMsg> {
  readonly #services: Services;
  readonly #wire: Wire;
  readonly #id: number;

  constructor(services: Services, wire: Wire, id: number) {
    this.#services = services;
    this.#wire = wire;
    this.#id = id;
  }

  init(self: ActorRef<ConnectionMsg>): Connection {
    const state = new Connection(this.#services, this.#wire, this.#id, self);
    this.#services.opened(state, self);
    return state;
  }

  receive(state: Connection, msg: ConnectionMsg): Connection | Promise<Connection> {
    const done = state.receive(msg);
    return done === undefined ? state : done.then(() => state);
  }

  stopped(state: Connection, reason: ExitReason): void {
    if (reason.type === 'failed') state.fail(reason.error);
    state.lost();
  }
}

export class Connection implements Recipient, InletHandler, OutboxOwner {
  readonly id: number;
  readonly #services: Services;
  readonly #wire: Wire;
  readonly #self: ActorRef<ConnectionMsg>;
  readonly #outbox: Outbox;
  readonly #inlet: Inlet;
  state: LoginState = 'anonymous';
  account = 0;
  user = '';
  /** The name that auth holds for this connection, if it is a guest's. */
  guestName: string | undefined;
  /** As whom auth has let this connection in, before the registry makes it a session; undefined for guests. */
  credential: Credential | undefined;
  /** Why auth would not let it in any more. */
  #expired: FarewellCode | undefined;
  /** The login that the registry has been asked for. */
  #entering: { readonly requestId: number; readonly token: string | undefined } | undefined;
  /** What the client can come back with; undefined for guests, and where none could be stored. */
  #token: string | undefined;
  /** Undefined before the first one, as there are many connections. */
  #refusals: Refusals | undefined;
  #hasSpoken = false;
  #isClosing = false;
  /** The client promised to send something at least this often, in ms; 0 if it promised nothing. */
  #heartbeatMs = 0;
  /** Set when the connection is to end as soon as everything that was asked before has been answered. */
  #ending: { readonly code: FarewellCode; readonly last: Answer | undefined } | undefined;
  #unanswered = 0;
  /** When the archive answered last. */
  #consultedAt = Number.NEGATIVE_INFINITY;
  #whenAnswered: (() => void) | undefined;

  constructor(services: Services, wire: Wire, id: number, self: ActorRef<ConnectionMsg>) {
    this.id = id;
    this.#services = services;
    this.#wire = wire;
    this.#self = self;
    const flood = new FloodGate(services.commandsPerSecond, performance.now());
    this.#inlet = new Inlet(wire, LIMITS.frameBeforeLogin, flood, this);
    this.#outbox = new Outbox(services.turn, wire, services.outboxLimit, this);
  }

  receive(msg: ConnectionMsg): undefined | Promise<void> {
    switch (msg.type) {
      case 'bytes':
        this.#hasSpoken = true;
        return this.#inlet.take(msg.bytes);
      case 'go_on':
        return this.#inlet.goOn();
      case 'ended':
        this.#inlet.end();
        return undefined;
      default:
        return msg satisfies never;
    }
  }

  get isClosing(): boolean {
    return this.#isClosing;
  }

  push(bytes: Buffer, start?: number, end?: number): void {
    this.#outbox.push(bytes, start, end);
  }

  overflow(): void {
    this.close('too_slow');
  }

  /** The registry's answer to a request that was forwarded. */
  answer(answer: Answer): void {
    this.#respond(answer);
    this.#answered();
  }

  /** The registry's answer to `send`: the message is stored under that id, at that time. */
  stored(requestId: number, id: number, at: number): void {
    const { arena } = this.#services.turn;
    const start = arena.open(STORED_BYTES);
    const end = writeStored(arena.block, start, requestId, id, at);
    arena.close(end);
    this.#outbox.push(arena.block, start, end);
    this.#answered();
  }

  #answered(): void {
    this.#unanswered -= 1;
    if (this.#unanswered === 0) this.#whenAnswered?.();
    if (this.#ending !== undefined) this.#closeWhenAnswered();
    else this.#inlet.wakeIfPaused();
  }

  /** There is room at the registry again. */
  goOn(): void {
    this.#inlet.wakeIfPaused();
  }

  /**
   * Called in the very turn in which the registry has made this connection a session of the account. Answers at once:
   * what comes next may be the end of the session.
   */
  attached(account: number, user: string, rooms: readonly string[]): void {
    this.state = this.guestName === undefined ? 'account' : 'guest';
    this.account = account;
    this.user = user;
    this.#token = this.#entering?.token;
    if (this.#entering === undefined) return;
    const token = this.#token === undefined ? {} : { token: this.#token };
    this.#respond(['ok', this.#entering.requestId, { user, rooms, ...token }]);
    this.#inlet.limit = LIMITS.frame;
  }

  /** Resolves when what was pushed has gone to the network, or nearly; false if it does not within the time. */
  drained(timeoutMs: number): Promise<boolean> {
    this.#outbox.flush();
    return this.#wire.drained(timeoutMs);
  }

  /** The password of an account has changed. Ends this session of it, or keeps the one that has asked for the change. */
  passwordChanged(present: Credential, isAsking: boolean): void {
    const { credential } = this;
    if (credential === undefined || foldName(credential.user) !== foldName(present.user)) return;
    if (isAsking) this.credential = present;
    else if (credential.record !== present.record) this.expire('password_changed');
  }

  /** Ends the session, or the login that is under way when it has become a session. */
  expire(standing: Exclude<Standing, 'ok'>): void {
    this.#expired = standing === 'removed' ? 'failed' : standing;
    if (this.state !== 'anonymous') this.endExpired();
  }

  endExpired(): void {
    if (this.#expired !== undefined) this.close(this.#expired);
  }

  /** What was pushed goes out, then the farewell, then the end. At once, whatever the connection is waiting for. */
  close(code: FarewellCode, retryAfterMs?: number): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    // Scans and health checks only connect.
    const fields = { event: 'connection.closing', connection: this.id, subject: code };
    this.#services.log[this.#hasSpoken ? 'info' : 'debug'](fields, 'connection.closing');
    this.#inlet.shut();
    this.#outbox.flush();
    this.#outbox.close();
    this.#wire.write(encodeFrame(farewell(code, retryAfterMs)));
    this.#wire.end();
    void this.#leave();
  }

  /** Ends it when the client breaks its promise: nothing came for twice the time. Time before `awakeAt` does not count. */
  checkHeartbeat(now: number, awakeAt: number): void {
    if (this.#heartbeatMs === 0) return;
    const heardAt = this.#inlet.heardAt ?? now;
    if (now - Math.max(heardAt, awakeAt) > 2 * this.#heartbeatMs) this.close('silent');
  }

  /** Ends it at once if it is one of these, whose peers are gone. */
  abandonIfAmong(locals: ReadonlyMap<string, string>): void {
    if (this.#wire.isAmong(locals)) this.#wire.abandon('the peer does not acknowledge anything any more');
  }

  /** A bug in handling this connection ends this connection, and nothing else. */
  fail(error: Error): void {
    const fields = { event: 'connection.failed', connection: this.id, err: error };
    this.#services.log.error(fields, 'connection failed');
    this.close('failed');
  }

  /** The socket is gone. */
  lost(): void {
    this.#isClosing = true;
    this.#inlet.shut();
    this.#outbox.close();
    void this.#leave();
    this.#services.closed(this);
    const omitted = this.#refusals?.takeOmitted();
    if (omitted === undefined) return;
    this.#services.log.info({ event: 'refused.omitted', connection: this.id, omitted }, 'more was refused');
  }

  body(body: Buffer): undefined | Promise<void> {
    const frame = decodeBody(body);
    if (frame === undefined) {
      this.#respond(refusal(null, 'malformed'));
      return undefined;
    }
    const request = checkRequest(frame, this.state);
    if (request.type === 'request') return this.#run(request);
    const [verb, , name] = frame;
    const about = verb === 'login' || verb === 'resume' ? this.#attempt('login.failed', name) : {};
    this.#respond(refusal(request.id, request.code, request.text), about);
    return undefined;
  }

  fault(fault: HeaderFault): void {
    this.#end('bad_frame', refusal(null, fault));
  }

  ended(): void {
    this.#end('quit', undefined);
  }

  wake(): void {
    this.#self.tell({ type: 'go_on' });
  }

  isHeldBack(): boolean {
    if (this.#unanswered >= UNANSWERED_LIMIT) return true;
    if (!this.#services.isCongested) return false;
    this.#services.waitForRoom(this);
    return true;
  }

  /** Returns a promise if later requests of this connection have to wait for this one. */
  #run(request: Request): undefined | Promise<void> {
    switch (request.destination) {
      case 'registry':
        this.#unanswered += 1;
        this.#services.forward(this, request.id, toCommand(request, this.#services.number(), this.id));
        return undefined;
      case 'archive':
        return this.#consult(request);
      case 'auth':
        return this.#authenticate(request);
      case 'connection':
        this.#answerHere(request);
        return undefined;
      default:
        return request satisfies never;
    }
  }

  #authenticate(request: Request<VerbOf<'auth'>>): Promise<void> {
    switch (request.verb) {
      case 'register':
        return this.#register(request.id, request.values);
      case 'login':
        return this.#login(request.id, request.values);
      case 'resume':
        return this.#resume(request.id, request.values);
      case 'guest':
        return this.#guest(request.id, request.values);
      case 'logout':
        return this.#logout(request.id);
      case 'password':
        return this.#changePassword(request.id, request.values);
      default:
        return request satisfies never;
    }
  }

  #answerHere(request: Request<VerbOf<'connection'>>): void {
    switch (request.verb) {
      case 'hello':
        this.#greet(request.id, request.values);
        break;
      case 'ping':
        this.#respond(['ok', request.id]);
        break;
      case 'quit':
        this.#end('quit', ['ok', request.id]);
        break;
      default:
        request satisfies never;
    }
  }

  #greet(requestId: number, [hello]: ArgumentsOf<'hello'>): void {
    if (hello?.version !== undefined && hello.version !== PROTOCOL_VERSION) {
      this.#respond(refusal(requestId, 'bad_version'));
      return;
    }
    this.#heartbeatMs = hello?.heartbeat ?? 0;
    const result = { version: PROTOCOL_VERSION, server: this.#services.server, limits: LIMITS };
    this.#respond(['ok', requestId, result]);
  }

  async #register(requestId: number, [user, password]: ArgumentsOf<'register'>): Promise<void> {
    const address = this.#wire.address;
    const answer = await this.#services.authenticate({ type: 'register', user, password, address });
    if (answer.type === 'refused') {
      return this.#respond(refusal(requestId, answer.code), this.#attempt('register.failed', user));
    }
    const command = ['account', this.#services.number(), this.id, answer.user] as const;
    const settled = await this.#services.ask(this, requestId, command);
    if (settled.type === 'done') this.#log('registered', answer.user);
    this.#respondTo(requestId, settled);
  }

  async #login(requestId: number, [user, password, lastId]: ArgumentsOf<'login'>): Promise<void> {
    await this.#enter(
      requestId,
      { type: 'login', user, password, address: this.#wire.address },
      lastId ?? null,
    );
  }

  async #resume(requestId: number, [user, token, lastId]: ArgumentsOf<'resume'>): Promise<void> {
    await this.#services.entrance.pass(async () => {
      // The peer may be gone after a long wait.
      if (!this.#isClosing) await this.#enter(requestId, { type: 'resume', user, token }, lastId ?? null);
    });
  }

  async #guest(requestId: number, [name]: ArgumentsOf<'guest'>): Promise<void> {
    const answer = await this.#services.authenticate({ type: 'claim', user: name });
    if (answer.type === 'refused') {
      return this.#respond(refusal(requestId, answer.code), this.#attempt('guest.failed', name));
    }
    this.guestName = name;
    if (!(await this.#attach(requestId, answer, null))) await this.#releaseName();
  }

  async #changePassword(requestId: number, [old, next]: ArgumentsOf<'password'>): Promise<void> {
    const call = {
      type: 'change',
      user: this.user,
      password: old,
      next,
      address: this.#wire.address,
      asking: { shard: this.#services.incarnation, connection: this.id },
    } as const;
    const answer = await this.#services.authenticate(call);
    if (answer.type === 'refused') {
      return this.#respond(refusal(requestId, answer.code), this.#attempt('password.failed', call.user));
    }
    this.#log('password.changed', call.user);
    this.#respond(['ok', requestId]);
  }

  /** The token first: who is told `ok` is out, and stays out. It ends also when the connection is lost meanwhile. */
  async #logout(requestId: number): Promise<void> {
    const { user } = this;
    const token = this.#token;
    // What has been asked before is answered to the session: with larger ids than what it would no longer be shown.
    await this.#settled();
    if (token !== undefined) {
      const answer = await this.#endToken({ type: 'end', user, token });
      if (answer.type === 'refused') return this.#respond(refusal(requestId, answer.code));
    }
    this.#log('logout', user);
    await this.#leave();
    if (!this.#isClosing) this.#services.loggedOut(this);
    this.#respond(['ok', requestId]);
  }

  /** A peer that is gone cannot ask again: then this is tried for a while. */
  async #endToken(call: AuthCall & { type: 'end' }): Promise<AuthAnswer> {
    const deadline = performance.now() + END_TOKEN_MS;
    for (;;) {
      const answer = await this.#services.authenticate(call);
      const isPassing = answer.type === 'refused' && AWAY.has(answer.code);
      if (!isPassing || !this.#isClosing || performance.now() >= deadline) return answer;
      await new Promise((resolve) => setTimeout(resolve, END_TOKEN_PAUSE_MS));
    }
  }

  async #enter(requestId: number, call: AuthCall, lastId: number | null): Promise<void> {
    const answer = await this.#services.authenticate(call);
    if (answer.type === 'ok') return void (await this.#attach(requestId, answer, lastId));
    this.#respond(refusal(requestId, answer.code), this.#attempt('login.failed', call.user));
  }

  /** Returns true, when this connection has become a session and is up to date. */
  async #attach(
    requestId: number,
    { user, record, token }: AuthAnswer & { type: 'ok' },
    lastId: number | null,
  ): Promise<boolean> {
    if (this.#isClosing) return false;
    const isGuest = this.guestName !== undefined;
    const command = ['attach', this.#services.number(), this.id, user, isGuest, lastId] as const;
    this.#entering = { requestId, token };
    this.credential = record === undefined ? undefined : { user, record };
    this.#expired = undefined;
    const settled = await this.#services.ask(this, requestId, command);
    this.#entering = undefined;
    if (settled.type !== 'attached') {
      this.credential = undefined;
      this.#respondTo(requestId, settled);
      return false;
    }
    this.#log(isGuest ? 'guest' : 'login', user);
    const farewell = await replay(this, this.#services, settled.start);
    if (farewell !== undefined) this.close(farewell);
    return true;
  }

  /** Asks the archive as soon as the registry has answered everything that this connection asked before. */
  async #consult(request: Request<VerbOf<'archive'>>): Promise<void> {
    await this.#settled();
    // Somebody who reads page after page without a pause does not take the processor from those who chat.
    const pause = this.#consultedAt + PAGE_PAUSE_MS - performance.now();
    if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
    const answer = await askArchive(this.#services.archive, this.account, request);
    if (Buffer.isBuffer(answer)) this.push(answer);
    else this.#respond(answer);
    this.#consultedAt = performance.now();
  }

  /** Resolves when the registry has answered everything that was forwarded. */
  async #settled(): Promise<void> {
    if (this.#unanswered === 0) return;
    await new Promise<void>((resolve) => {
      this.#whenAnswered = resolve;
    });
    this.#whenAnswered = undefined;
  }

  async #leave(): Promise<void> {
    if (this.state === 'anonymous') return;
    this.state = 'anonymous';
    this.#inlet.limit = LIMITS.frameBeforeLogin;
    await this.#services.leave(this);
    await this.#releaseName();
    this.account = 0;
    this.user = '';
    this.#token = undefined;
    this.credential = undefined;
  }

  async #releaseName(): Promise<void> {
    if (this.guestName === undefined) return;
    await this.#services.authenticate({ type: 'release', user: this.guestName });
    this.guestName = undefined;
  }

  /** Reads no more. What was asked before is answered first, then comes the `last` answer, then the farewell. */
  #end(code: FarewellCode, last: Answer | undefined): void {
    this.#inlet.shut();
    this.#ending ??= { code, last };
    this.#closeWhenAnswered();
  }

  #closeWhenAnswered(): void {
    if (this.#ending === undefined || this.#unanswered > 0) return;
    if (this.#ending.last !== undefined) this.#respond(this.#ending.last);
    this.close(this.#ending.code);
  }

  #respondTo(requestId: number, settled: Settled): void {
    this.#respond(settled.type === 'refused' ? refusal(requestId, settled.code) : ['ok', requestId]);
  }

  /** `about`: what the log is to tell of it if it is a refusal. */
  #respond(answer: Answer, about: object = {}): void {
    if (answer[0] === 'error') this.#logRefusal(answer[2], about);
    this.push(encodeFrame(answer));
  }

  #logRefusal(code: string, about: object): void {
    this.#refusals ??= new Refusals();
    // Whoever watches the log for guessed passwords wants all of them. They are limited by address.
    if (code !== 'wrong_credentials' && !this.#refusals.admits(performance.now())) return;
    const omitted = this.#refusals.takeOmitted();
    const user = this.user || undefined;
    const fields = { event: 'refused', connection: this.id, user, code, omitted, ...about };
    this.#services.log.info(fields, fields.event);
  }

  #attempt(
    event: string,
    name: unknown,
  ): { readonly event: string; readonly name: string; readonly address: string } {
    return { event, name: nameForLog(name), address: this.#wire.address };
  }

  #log(event: string, subject: string): void {
    this.#services.log.info({ event, connection: this.id, subject }, event);
  }
}
