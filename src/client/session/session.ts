/**
 * A user's session with a server, across as many connections as it takes: logs in, logs in again after a loss, and
 * resends unacknowledged messages. This is the main thread's part; the reader thread reads the bytes.
 */

import { foldName } from '../../chat/names.ts';
import { type Address, formatAddress } from '../../common/address.ts';
import { within } from '../../common/deadline.ts';
import { EXIT, type ExitCode } from '../../common/exit.ts';
import type { GivenArguments, Verb } from '../../protocol/verbs.ts';
import type { Event } from '../../protocol/vocabulary.ts';
import type { ReaderLink } from '../reader/reader-link.ts';
import { GOOD_CONNECTION_MS, retryDelay } from './backoff.ts';
import { Connection, type StreamMessage } from './connection.ts';
import type { Credentials, LoginOutcome } from './login.ts';
import { LoginCredentials } from './login-credentials.ts';
import { PendingRequests, type Response } from './requests.ts';
import { SendQueue } from './send-queue.ts';
import { afterDelayOrWake } from './sleep.ts';

export type State =
  | { readonly type: 'outside' }
  | { readonly type: 'connecting' }
  | { readonly type: 'online' }
  /** Until the next attempt, in the clock of `performance.now`. */
  | { readonly type: 'waiting'; readonly until: number }
  | { readonly type: 'over' };

export interface SessionListener {
  /** The state has changed. */
  changed(): void;
  /** A connection was established or lost; `text` describes it. */
  connection(state: 'connected' | 'lost', text: string): void;
  /** The session cannot continue. Called at most once. */
  over(code: ExitCode, text: string): void;
}

const QUIT_MS = 2_000;
const ENDED = 'the client exited before the server answered';

export class Session {
  readonly address: Address;
  readonly sendQueue = new SendQueue();
  /** As the server spells it. */
  user = '';
  readonly #readerLink: ReaderLink;
  readonly #listener: SessionListener;
  readonly #requests = new PendingRequests();
  /** Callers that wait for a connection. */
  readonly #waiting = new Set<() => void>();
  /** Rooms the user is in, by folded name. */
  readonly #rooms = new Map<string, string>();
  /** Set by the first login. */
  #login: LoginCredentials | undefined;
  #state: State = { type: 'outside' };
  #connection: Connection | undefined;
  #connections = 0;
  #failures = 0;
  #cancelRetry: (() => void) | undefined;

  constructor(address: Address, readerLink: ReaderLink, listener: SessionListener) {
    this.address = address;
    this.#readerLink = readerLink;
    this.#listener = listener;
  }

  get state(): State {
    return this.#state;
  }

  nextRequestId(): number {
    return this.#requests.nextId();
  }

  /**
   * Makes one login attempt. After `logged_in` the session keeps itself connected until `quit`, or until it is over.
   */
  async logIn(credentials: Credentials): Promise<LoginOutcome> {
    const outcome = await this.#connect(credentials);
    if (outcome.type !== 'logged_in') this.#become({ type: 'outside' });
    return outcome;
  }

  /** Waits for a connection. False if there is none after `timeoutMs`, or there will never be one. */
  async whenOnline(timeoutMs: number): Promise<boolean> {
    const { type } = this.#state;
    if (type === 'online' || type === 'over') return type === 'online';
    const decided = Promise.withResolvers<void>();
    this.#waiting.add(decided.resolve);
    await within(decided.promise, timeoutMs, undefined);
    this.#waiting.delete(decided.resolve);
    return this.#online !== undefined;
  }

  /** Waits until the replay is complete. False without a connection, or if it takes longer than `timeoutMs`. */
  whenLive(timeoutMs: number): Promise<boolean> {
    return within(this.#online?.live ?? Promise.resolve(false), timeoutMs, false);
  }

  /** Sends a request. The response is `lost` if there is no connection. */
  request<V extends Verb>(verb: V, ...values: GivenArguments<V>): Promise<Response> {
    return this.#online?.request(verb, ...values) ?? Promise.resolve({ type: 'lost' });
  }

  /** Like `request`, for a frame that is already encoded. */
  sendFrame(requestId: number, frame: Uint8Array): Promise<Response> {
    const connection = this.#online;
    if (connection === undefined) return Promise.resolve({ type: 'lost' });
    return new Promise((resolve) => connection.sendFrame(requestId, frame, resolve));
  }

  changePassword(old: string, next: string): Promise<Response> {
    const ask = (): Promise<Response> => this.request('password', old, next);
    return this.#login?.change(next, ask) ?? ask();
  }

  /** The rooms the user is in. */
  get rooms(): readonly string[] {
    return [...this.#rooms.values()];
  }

  /** The name of a room as the server spells it, or undefined if the user is not in it. */
  room(name: string): string | undefined {
    return this.#rooms.get(foldName(name));
  }

  joined(room: string): void {
    this.#rooms.set(foldName(room), room);
  }

  left(room: string): void {
    this.#rooms.delete(foldName(room));
  }

  /** The server's answer to a request violates the protocol. */
  protocolError(): void {
    this.#connection?.protocolError();
  }

  receive(message: StreamMessage): void {
    if (message.type === 'frames') {
      for (const { key, id, at } of message.settled) this.sendQueue.settle(key, id, at);
      for (const event of message.events) this.#follow(event);
    }
    this.#connection?.receive(message);
  }

  /**
   * Logs out if connected, and ends the session and its token. First reports what the display has, so that it is not
   * replayed. Takes at most two seconds. `unsent` tells the user what happens to unsent messages.
   */
  async quit(unsent: string = ENDED): Promise<void> {
    const online = this.#online;
    online?.reportSeen();
    if (this.#login?.token !== undefined) void online?.request('logout');
    void online?.request('quit');
    this.#end(unsent);
    if (online !== undefined) await within(online.ended, QUIT_MS, '');
    this.#connection?.close('quit');
  }

  /** The user may also join and leave rooms on other devices. */
  #follow(event: Event): void {
    if (event[0] !== 'joined' && event[0] !== 'left') return;
    const [kind, , , room, user] = event;
    if (foldName(user) === foldName(this.#login?.user ?? '')) this[kind](room);
  }

  get #online(): Connection | undefined {
    return this.#state.type === 'online' ? this.#connection : undefined;
  }

  async #connect(credentials: Credentials): Promise<LoginOutcome> {
    this.#become({ type: 'connecting' });
    this.#connections += 1;
    const connection = new Connection({
      number: this.#connections,
      address: this.address,
      credentials,
      readerLink: this.#readerLink,
      requests: this.#requests,
    });
    this.#connection = connection;
    const resumePoint = { token: this.#login?.token, lastId: this.#readerLink.taken };
    const outcome = await connection.logIn(resumePoint);
    if (outcome.type !== 'logged_in') return outcome;
    this.#login ??= new LoginCredentials(credentials);
    this.#login.token = outcome.token;
    this.#goOnline(connection, outcome.user, outcome.rooms);
    return outcome;
  }

  #goOnline(connection: Connection, user: string, rooms: readonly string[]): void {
    if (this.#state.type === 'over') {
      connection.close('quit');
      return;
    }
    const since = performance.now();
    this.user = user;
    // A guest that reconnects is a new user to the server, and in no room.
    if (this.#login?.isGuest) {
      for (const room of this.#rooms.values()) void connection.request('join', room);
    } else {
      this.#rooms.clear();
    }
    for (const room of rooms) this.joined(room);
    this.#become({ type: 'online' });
    this.#listener.connection('connected', `connected to ${formatAddress(this.address)} as ${user}`);
    // Wait for the end of the replay: it contains those of the pending messages that the server has already stored.
    void connection.live.then((isLive) => {
      if (isLive && this.#online === connection) this.sendQueue.attach(connection);
    });
    void connection.ended.then((reason) => {
      if (performance.now() - since >= GOOD_CONNECTION_MS) this.#failures = 0;
      this.#lost(connection, reason);
    });
  }

  #lost(connection: Connection, reason: string): void {
    this.sendQueue.detach();
    if (this.#state.type === 'over') return;
    if (this.#login?.isGuest) {
      this.sendQueue.failSent(
        'the connection was lost before the server answered, so the message may or may not have been delivered',
      );
    }
    if (connection.farewell?.[1] === 'password_changed') {
      this.#giveUp(`${reason}: log in again with the new password`);
      return;
    }
    this.#scheduleRetry(connection);
    this.#listener.connection('lost', `connection lost: ${reason}`);
  }

  #scheduleRetry(last: Connection): void {
    const delay = retryDelay(this.#failures, Math.random(), last.farewell?.[3]);
    this.#failures += 1;
    this.#cancelRetry = afterDelayOrWake(delay, (hasSlept) => {
      // Earlier failures happened on another network.
      if (hasSlept) this.#failures = 0;
      void this.#reconnect();
    });
    this.#become({ type: 'waiting', until: performance.now() + delay });
  }

  async #reconnect(): Promise<void> {
    const login = this.#login;
    if (login === undefined) return;
    const outcome = await this.#connect(login.credentials);
    if (outcome.type === 'logged_in' || this.#state.type === 'over' || this.#connection === undefined) return;
    if (outcome.type === 'refused' && login.isFinal(outcome.code)) {
      this.#giveUp(`the server refused to log you in again: ${outcome.text}`);
    } else {
      this.#scheduleRetry(this.#connection);
    }
  }

  #giveUp(text: string): void {
    this.#listener.connection('lost', text);
    this.#cancelRetry?.();
    this.sendQueue.detach();
    this.#become({ type: 'over' });
    this.#listener.over(EXIT.refused, text);
  }

  #end(unsent: string): void {
    this.#cancelRetry?.();
    this.#become({ type: 'over' });
    this.sendQueue.detach();
    this.sendQueue.failAll(unsent);
  }

  #become(state: State): void {
    if (this.#state.type === 'over') return;
    this.#state = state;
    if (state.type === 'online' || state.type === 'over') for (const settle of this.#waiting) settle();
    this.#listener.changed();
  }
}
