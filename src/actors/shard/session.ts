/**
 * A session: what one client may do, and its requests from the first one to the farewell. It answers some requests itself and
 * forwards the others to auth, the registry or the archive. It knows no bytes, sockets or dialects.
 *
 * The shard calls it directly, on the shard's thread; it is not an actor. Each call runs to completion, and code that has
 * waited for another thread must check `isClosing` again. `handle` returns a promise if later requests have to wait.
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
import type { Credential, Standing } from '../auth/auth-api.ts';
import { handleArchiveRequest } from './archive-requests.ts';
import { handleAuthRequest } from './auth-requests.ts';
import { failureDetails, RefusalLog } from './refusal-log.ts';
import type { Client, SessionContext } from './session-context.ts';

/** Requests of one session that the registry has not answered. Policy: at the limit, its later requests wait. */
const UNANSWERED_LIMIT = 1_000;

/** A login that auth has accepted and the registry has not attached yet. */
export interface PendingLogin {
  readonly requestId: number;
  readonly token: string | undefined;
  /** Set if auth no longer accepts the login, for example because the password has changed. */
  expired: FarewellCode | undefined;
}

export class Session {
  readonly id: number;
  readonly client: Client;
  readonly #context: SessionContext;
  /** The account's id; 0 before login. */
  account = 0;
  user = '';
  /** The name that auth reserves for this session, if it is a guest's. */
  guestName: string | undefined;
  /** What auth accepted at login, set before the registry attaches the session; undefined for guests. */
  credential: Credential | undefined;
  /** The token with which the client can resume; undefined for guests, and if auth could not store one. */
  token: string | undefined;
  pendingLogin: PendingLogin | undefined;
  /** The client promised to send something at least this often, in ms; 0 if it promised nothing. */
  heartbeatMs = 0;
  /** In the clock of `performance.now`. */
  archiveAnsweredAt: number | undefined;
  isClosing = false;
  #state: LoginState = 'anonymous';
  /** Created at the first refusal, because most sessions never need it. */
  #refusalLog: RefusalLog | undefined;
  /** Set when the session is to end as soon as every earlier request has been answered. */
  #pendingFarewell: { readonly code: FarewellCode; readonly lastAnswer: Answer | undefined } | undefined;
  #unanswered = 0;
  #whenAnswered: (() => void) | undefined;

  constructor(context: SessionContext, client: Client, id: number) {
    this.#context = context;
    this.client = client;
    this.id = id;
  }

  get isLoggedIn(): boolean {
    return this.#state !== 'anonymous';
  }

  /** Handles a request as the client sent it; undefined if it could not be read. Returns a promise if later requests have to wait. */
  handle(frame: readonly unknown[] | undefined): undefined | Promise<void> {
    if (frame === undefined) {
      this.respond(refusal(null, 'malformed'));
      return undefined;
    }
    const request = checkRequest(frame, this.#state);
    if (request.type === 'request') return this.#run(request);
    const [verb, , name] = frame;
    const isLogin = verb === 'login' || verb === 'resume';
    const details = isLogin ? failureDetails('login.failed', name, this.client.address) : {};
    this.respond(refusal(request.id, request.code, request.text), details);
    return undefined;
  }

  /** True while requests must wait. `client.resumeReading` is called when this may have changed. */
  mustPause(): boolean {
    if (this.#unanswered >= UNANSWERED_LIMIT) return true;
    const { registry } = this.#context;
    if (!registry.isCongested) return false;
    registry.addPaused(this);
    return true;
  }

  /** Sends an answer. A refusal is also logged, with these details. */
  respond(answer: Answer, details: object = {}): void {
    if (answer[0] === 'error') {
      this.#refusalLog ??= new RefusalLog(this.#context.log, this.id);
      const user = this.user || undefined;
      this.#refusalLog.write(answer[2], { user, ...details }, performance.now());
    }
    this.client.send(answer);
  }

  /** Forwards the registry's answer to a request. */
  answered(answer: Answer): void {
    this.respond(answer);
    this.#countAnswer();
  }

  /** Forwards the registry's answer to `send`: it stored the message under this id, at this time. */
  stored(requestId: number, id: number, at: number): void {
    this.client.sendStored(requestId, id, at);
    this.#countAnswer();
  }

  /** Resolves when the registry has answered every request forwarded so far. */
  async allAnswered(): Promise<void> {
    if (this.#unanswered === 0) return;
    await new Promise<void>((resolve) => {
      this.#whenAnswered = resolve;
    });
    this.#whenAnswered = undefined;
  }

  /**
   * Must be called in the turn in which the registry attached this session to the account. Answers the login immediately,
   * because the next item from the registry may end the session.
   */
  attached(account: number, user: string, rooms: readonly string[]): void {
    const login = this.pendingLogin;
    this.#state = this.guestName === undefined ? 'account' : 'guest';
    this.account = account;
    this.user = user;
    this.token = login?.token;
    if (login !== undefined) {
      const token = login.token === undefined ? {} : { token: login.token };
      this.respond(['ok', login.requestId, { user, rooms, ...token }]);
      this.client.setLoggedIn(true);
    }
    // The client may have disconnected during the login.
    if (this.isClosing) void this.leave();
    else if (login?.expired !== undefined) this.close(login.expired);
  }

  /** Detaches the session from its account. Resolves when the registry has confirmed this and the name of a guest is free. */
  async leave(): Promise<void> {
    if (!this.isLoggedIn) return;
    this.#state = 'anonymous';
    this.client.setLoggedIn(false);
    await this.#context.registry.detach(this);
    await this.releaseName();
    this.account = 0;
    this.user = '';
    this.token = undefined;
    this.credential = undefined;
  }

  /** Releases the name that auth reserves for a guest. */
  async releaseName(): Promise<void> {
    const { guestName } = this;
    if (guestName === undefined) return;
    // Forgotten first: if auth restarts now, the name must not be claimed again for a session that is over.
    this.guestName = undefined;
    await this.#context.auth.authenticate({ type: 'release', user: guestName });
  }

  /** Ends this session if the password of its account has changed, except the session that requested the change. */
  passwordChanged(present: Credential, isAsking: boolean): void {
    const { credential } = this;
    if (credential === undefined || foldName(credential.user) !== foldName(present.user)) return;
    if (isAsking) this.credential = present;
    else if (credential.record !== present.record) this.expire('password_changed');
  }

  /** Ends the session because auth no longer accepts its login; if the login is still pending, as soon as it is attached. */
  expire(standing: Exclude<Standing, 'ok'>): void {
    const code = standing === 'removed' ? 'failed' : standing;
    if (this.isLoggedIn) this.close(code);
    else if (this.pendingLogin !== undefined) this.pendingLogin.expired = code;
  }

  /** Ends the session once earlier requests are answered: the client sends no more, or `fault` made its stream unreadable. */
  finish(fault: RefusalCode | undefined): void {
    if (fault === undefined) this.#closeAfterAnswers('quit', undefined);
    else this.#closeAfterAnswers('bad_frame', refusal(null, fault));
  }

  /** Ends the session at once, without waiting for answers. */
  close(code: FarewellCode, retryAfterMs?: number): void {
    if (this.isClosing) return;
    this.isClosing = true;
    this.client.end(code, retryAfterMs);
    void this.leave();
  }

  /** The connection is gone. */
  disconnected(): void {
    this.isClosing = true;
    void this.leave();
    this.#refusalLog?.close();
  }

  #run(request: Request): undefined | Promise<void> {
    switch (request.destination) {
      case 'registry':
        this.#unanswered += 1;
        this.#context.registry.forward(this, request);
        return undefined;
      case 'archive':
        return handleArchiveRequest(this, this.#context.archive, request);
      case 'auth':
        return handleAuthRequest(this, this.#context, request);
      case 'connection':
        this.#answerHere(request);
        return undefined;
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
        this.respond(['ok', request.id]);
        break;
      case 'quit':
        this.#closeAfterAnswers('quit', ['ok', request.id]);
        break;
      default:
        request satisfies never;
    }
  }

  #greet(requestId: number, [hello]: ArgumentsOf<'hello'>): void {
    if (hello?.version !== undefined && hello.version !== PROTOCOL_VERSION) {
      this.respond(refusal(requestId, 'bad_version'));
      return;
    }
    this.heartbeatMs = hello?.heartbeat ?? 0;
    const result = { version: PROTOCOL_VERSION, server: this.#context.server, limits: LIMITS };
    this.respond(['ok', requestId, result]);
  }

  #countAnswer(): void {
    this.#unanswered -= 1;
    if (this.#unanswered === 0) this.#whenAnswered?.();
    if (this.#pendingFarewell !== undefined) this.#closeIfAnswered();
    else this.client.resumeReading();
  }

  /** Accepts no more requests. Sends the answers to earlier ones, then `lastAnswer`, then the farewell. */
  #closeAfterAnswers(code: FarewellCode, lastAnswer: Answer | undefined): void {
    this.client.stopReading();
    this.#pendingFarewell ??= { code, lastAnswer };
    this.#closeIfAnswered();
  }

  #closeIfAnswered(): void {
    if (this.#pendingFarewell === undefined || this.#unanswered > 0) return;
    if (this.#pendingFarewell.lastAnswer !== undefined) this.respond(this.#pendingFarewell.lastAnswer);
    this.close(this.#pendingFarewell.code);
  }
}
