/**
 * A session: what one client has asked for and may do, from its first request to the farewell. It logs in and out, forwards
 * what is not its own to auth, the registry or the archive, and knows no bytes, sockets or dialects.
 *
 * An object that its shard calls, on the shard's thread, and not an actor: each call runs to its end, and what waits for
 * another thread looks again at `isClosing` when it goes on. `take` returns a promise when later requests have to wait.
 */

import { foldName } from '../../chat/names.ts';
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
  LIMITS,
  PROTOCOL_VERSION,
  type RefusalCode,
  refusal,
} from '../../protocol/vocabulary.ts';
import type { AuthAnswer } from '../auth/auth.ts';
import type { AuthCall, Credential, Standing } from '../auth/auth-api.ts';
import { lookBack } from './look-back.ts';
import type { Settled } from './ports.ts';
import { nameForLog, Refusals } from './refusal-log.ts';
import { PAGE_PAUSE_MS, replay } from './replay.ts';
import type { Client, SessionContext } from './session-context.ts';

/** Requests of one session that the registry has not answered. Policy: its later requests wait. */
const UNANSWERED_LIMIT = 1_000;
/** How long, and how often, it is tried to end the token of a client that has logged out and is gone. */
const END_TOKEN_MS = 60_000;
const END_TOKEN_PAUSE_MS = 500;
/** Refusals of an auth thread that is being restarted. */
const AWAY: ReadonlySet<RefusalCode> = new Set(['unavailable', 'timed_out']);

export class Session {
  readonly id: number;
  readonly client: Client;
  readonly #context: SessionContext;
  /** The account's id; 0 before login. */
  account = 0;
  user = '';
  /** The name that auth holds for this session, if it is a guest's. */
  guestName: string | undefined;
  /** As whom auth has let this client in, before the registry attaches the session; undefined for guests. */
  credential: Credential | undefined;
  /** The client promised to send something at least this often, in ms; 0 if it promised nothing. */
  heartbeatMs = 0;
  isClosing = false;
  #state: LoginState = 'anonymous';
  /** Why auth would not let the client in any more. */
  #expired: FarewellCode | undefined;
  /** The login that the registry has been asked for. */
  #entering: { readonly requestId: number; readonly token: string | undefined } | undefined;
  /** What the client can come back with; undefined for guests, and where none could be stored. */
  #token: string | undefined;
  /** Undefined before the first refusal, because there are many sessions. */
  #refusals: Refusals | undefined;
  /** Set when the session is to end as soon as everything that was asked before has been answered. */
  #ending: { readonly code: FarewellCode; readonly last: Answer | undefined } | undefined;
  #unanswered = 0;
  /** When the archive answered last. */
  #consultedAt = Number.NEGATIVE_INFINITY;
  #whenAnswered: (() => void) | undefined;

  constructor(context: SessionContext, client: Client, id: number) {
    this.#context = context;
    this.client = client;
    this.id = id;
  }

  get isLoggedIn(): boolean {
    return this.#state !== 'anonymous';
  }

  /** Handles a request as the client sent it, undefined if it cannot be read. A promise if later ones have to wait. */
  take(frame: readonly unknown[] | undefined): undefined | Promise<void> {
    if (frame === undefined) {
      this.#respond(refusal(null, 'malformed'));
      return undefined;
    }
    const request = checkRequest(frame, this.#state);
    if (request.type === 'request') return this.#run(request);
    const [verb, , name] = frame;
    const about = verb === 'login' || verb === 'resume' ? this.#attempt('login.failed', name) : {};
    this.#respond(refusal(request.id, request.code, request.text), about);
    return undefined;
  }

  /** True while no request may be taken; `client.resume` is called when that may have changed. */
  isHeldBack(): boolean {
    if (this.#unanswered >= UNANSWERED_LIMIT) return true;
    const { registry } = this.#context;
    if (!registry.isCongested) return false;
    registry.waitForRoom(this);
    return true;
  }

  /** There is room at the registry again. */
  resume(): void {
    this.client.resume();
  }

  /** The registry's answer to a request that was forwarded. */
  answered(answer: Answer): void {
    this.#respond(answer);
    this.#settleOne();
  }

  /** The registry's answer to `send`: the message is stored under that id, at that time. */
  stored(requestId: number, id: number, at: number): void {
    this.client.sendStored(requestId, id, at);
    this.#settleOne();
  }

  /**
   * To be called in the very turn in which the registry has attached this session to the account. Answers the login at once:
   * what comes next may be the end of the session.
   */
  attached(account: number, user: string, rooms: readonly string[]): void {
    this.#state = this.guestName === undefined ? 'account' : 'guest';
    this.account = account;
    this.user = user;
    this.#token = this.#entering?.token;
    if (this.#entering !== undefined) {
      const token = this.#token === undefined ? {} : { token: this.#token };
      this.#respond(['ok', this.#entering.requestId, { user, rooms, ...token }]);
      this.client.setLoggedIn(true);
    }
    // The client went while it was being logged in.
    if (this.isClosing) void this.#leave();
    else this.#endExpired();
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
    if (this.isLoggedIn) this.#endExpired();
  }

  /** The client will send no more requests, or none that can be trusted: answers what it has asked, then ends. */
  finish(fault: RefusalCode | undefined): void {
    if (fault === undefined) this.#end('quit', undefined);
    else this.#end('bad_frame', refusal(null, fault));
  }

  /** Ends it at once, whatever it is waiting for. */
  close(code: FarewellCode, retryAfterMs?: number): void {
    if (this.isClosing) return;
    this.isClosing = true;
    this.client.end(code, retryAfterMs);
    void this.#leave();
  }

  /** The connection is gone. */
  lost(): void {
    this.isClosing = true;
    void this.#leave();
    const omitted = this.#refusals?.takeOmitted();
    if (omitted === undefined) return;
    this.#context.log.info({ event: 'refused.omitted', connection: this.id, omitted }, 'more was refused');
  }

  #run(request: Request): undefined | Promise<void> {
    switch (request.destination) {
      case 'registry':
        this.#unanswered += 1;
        this.#context.registry.forward(this, request);
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
    this.heartbeatMs = hello?.heartbeat ?? 0;
    const result = { version: PROTOCOL_VERSION, server: this.#context.server, limits: LIMITS };
    this.#respond(['ok', requestId, result]);
  }

  async #register(requestId: number, [user, password]: ArgumentsOf<'register'>): Promise<void> {
    const { address } = this.client;
    const answer = await this.#context.auth.authenticate({ type: 'register', user, password, address });
    if (answer.type === 'refused') {
      return this.#respond(refusal(requestId, answer.code), this.#attempt('register.failed', user));
    }
    const settled = await this.#context.registry.announceAccount(this, answer.user);
    if (settled.type === 'done') this.#log('registered', answer.user);
    this.#respondTo(requestId, settled);
  }

  async #login(requestId: number, [user, password, lastId]: ArgumentsOf<'login'>): Promise<void> {
    const { address } = this.client;
    await this.#enter(requestId, { type: 'login', user, password, address }, lastId ?? null);
  }

  async #resume(requestId: number, [user, token, lastId]: ArgumentsOf<'resume'>): Promise<void> {
    await this.#context.resumes.pass(async () => {
      // The client may be gone after a long wait.
      if (!this.isClosing) await this.#enter(requestId, { type: 'resume', user, token }, lastId ?? null);
    });
  }

  async #guest(requestId: number, [name]: ArgumentsOf<'guest'>): Promise<void> {
    const answer = await this.#context.auth.authenticate({ type: 'claim', user: name });
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
      address: this.client.address,
      asking: { shard: this.#context.registry.incarnation, connection: this.id },
    } as const;
    const answer = await this.#context.auth.authenticate(call);
    if (answer.type === 'refused') {
      return this.#respond(refusal(requestId, answer.code), this.#attempt('password.failed', call.user));
    }
    this.#log('password.changed', call.user);
    this.#respond(['ok', requestId]);
  }

  /** The token ends first: a client that gets `ok` is out, and stays out, also if the connection is lost meanwhile. */
  async #logout(requestId: number): Promise<void> {
    const { user } = this;
    const token = this.#token;
    // Answers to earlier requests belong to the session: their ids are larger than what it would be shown afterwards.
    await this.#settled();
    if (token !== undefined) {
      const answer = await this.#endToken({ type: 'end', user, token });
      if (answer.type === 'refused') return this.#respond(refusal(requestId, answer.code));
    }
    this.#log('logout', user);
    await this.#leave();
    if (!this.isClosing) this.client.loggedOut();
    this.#respond(['ok', requestId]);
  }

  /** A client that is gone cannot ask again, so this is tried for a while. */
  async #endToken(call: AuthCall & { type: 'end' }): Promise<AuthAnswer> {
    const deadline = performance.now() + END_TOKEN_MS;
    for (;;) {
      const answer = await this.#context.auth.authenticate(call);
      const isPassing = answer.type === 'refused' && AWAY.has(answer.code);
      if (!isPassing || !this.isClosing || performance.now() >= deadline) return answer;
      await new Promise((resolve) => setTimeout(resolve, END_TOKEN_PAUSE_MS));
    }
  }

  async #enter(requestId: number, call: AuthCall, lastId: number | null): Promise<void> {
    const answer = await this.#context.auth.authenticate(call);
    if (answer.type === 'ok') return void (await this.#attach(requestId, answer, lastId));
    this.#respond(refusal(requestId, answer.code), this.#attempt('login.failed', call.user));
  }

  /** Returns true when the session has been attached and is up to date. */
  async #attach(
    requestId: number,
    { user, record, token }: AuthAnswer & { type: 'ok' },
    lastId: number | null,
  ): Promise<boolean> {
    if (this.isClosing) return false;
    const isGuest = this.guestName !== undefined;
    this.#entering = { requestId, token };
    this.credential = record === undefined ? undefined : { user, record };
    this.#expired = undefined;
    const settled = await this.#context.registry.attach(this, user, isGuest, lastId);
    this.#entering = undefined;
    if (settled.type !== 'attached') {
      this.credential = undefined;
      this.#respondTo(requestId, settled);
      return false;
    }
    this.#log(isGuest ? 'guest' : 'login', user);
    const farewell = await replay(this, this.#context, settled.start);
    if (farewell !== undefined) this.close(farewell);
    return true;
  }

  /** Asks the archive as soon as the registry has answered everything that this session asked before. */
  async #consult(request: Request<VerbOf<'archive'>>): Promise<void> {
    await this.#settled();
    // Somebody who reads page after page without a pause does not take the processor from those who chat.
    const pause = this.#consultedAt + PAGE_PAUSE_MS - performance.now();
    if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
    const answer = await lookBack(this.#context.archive, this.account, request);
    if (Buffer.isBuffer(answer)) this.client.push(answer);
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

  #settleOne(): void {
    this.#unanswered -= 1;
    if (this.#unanswered === 0) this.#whenAnswered?.();
    if (this.#ending !== undefined) this.#closeWhenAnswered();
    else this.client.resume();
  }

  async #leave(): Promise<void> {
    if (!this.isLoggedIn) return;
    this.#state = 'anonymous';
    this.client.setLoggedIn(false);
    await this.#context.registry.detach(this);
    await this.#releaseName();
    this.account = 0;
    this.user = '';
    this.#token = undefined;
    this.credential = undefined;
  }

  async #releaseName(): Promise<void> {
    const { guestName } = this;
    if (guestName === undefined) return;
    // Forgotten at once: if auth restarts now, the name must not be claimed again for a session that is over.
    this.guestName = undefined;
    await this.#context.auth.authenticate({ type: 'release', user: guestName });
  }

  #endExpired(): void {
    if (this.#expired !== undefined) this.close(this.#expired);
  }

  /** Takes no more requests. Earlier ones are answered first, then comes the `last` answer, then the farewell. */
  #end(code: FarewellCode, last: Answer | undefined): void {
    this.client.stopReading();
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

  /** `about`: further fields for the log if the answer is a refusal. */
  #respond(answer: Answer, about: object = {}): void {
    if (answer[0] === 'error') this.#logRefusal(answer[2], about);
    this.client.send(answer);
  }

  #logRefusal(code: string, about: object): void {
    this.#refusals ??= new Refusals();
    // Whoever watches the log for guessed passwords wants all of them. They are limited by address.
    if (code !== 'wrong_credentials' && !this.#refusals.admits(performance.now())) return;
    const omitted = this.#refusals.takeOmitted();
    const user = this.user || undefined;
    const fields = { event: 'refused', connection: this.id, user, code, omitted, ...about };
    this.#context.log.info(fields, fields.event);
  }

  #attempt(
    event: string,
    name: unknown,
  ): { readonly event: string; readonly name: string; readonly address: string } {
    return { event, name: nameForLog(name), address: this.client.address };
  }

  #log(event: string, subject: string): void {
    this.#context.log.info({ event, connection: this.id, subject }, event);
  }
}
