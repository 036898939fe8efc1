/**
 * One person's stay at a server, over as many connections as it takes: logs in, logs in again after a loss, sends
 * again what was not acknowledged. The main thread's part; bytes are read in the reader thread.
 */

import { foldName } from '../../chat/names.ts';
import { type Address, formatAddress } from '../../common/address.ts';
import { within } from '../../common/deadline.ts';
import { EXIT, type ExitCode } from '../../common/exit.ts';
import type { GivenArguments, Verb } from '../../protocol/verbs.ts';
import type { Event } from '../../protocol/vocabulary.ts';
import type { ReaderLink } from '../reader/reader-link.ts';
import { GOOD_CONNECTION_MS, retryDelay } from './backoff.ts';
import { Connection, type FromStream } from './connection.ts';
import type { Credentials, Entry } from './login.ts';
import { Identity } from './login-credentials.ts';
import { Requests, type Response } from './requests.ts';
import { Outgoing } from './send-queue.ts';
import { afterOrAwake } from './sleep.ts';

export type State =
  | { readonly type: 'outside' }
  | { readonly type: 'connecting' }
  | { readonly type: 'online' }
  /** Until the next try, in the clock of `performance.now`. */
  | { readonly type: 'waiting'; readonly until: number }
  | { readonly type: 'over' };

export interface SessionListener {
  /** The state has changed. */
  changed(): void;
  /** The connection was made, or lost; `text` says so. */
  connection(state: 'connected' | 'lost', text: string): void;
  /** The session cannot go on. Called at most once. */
  over(code: ExitCode, text: string): void;
}

const QUIT_MS = 2_000;
const ENDED = 'the client ended before the server answered';

export class Session {
  readonly address: Address;
  readonly outgoing = new Outgoing();
  /** As the server spells it. */
  user = '';
  readonly #readerLink: ReaderLink;
  readonly #listener: SessionListener;
  readonly #requests = new Requests();
  /** Those who wait for a connection. */
  readonly #waiting = new Set<() => void>();
  /** Rooms that the person is in, by folded name. */
  readonly #rooms = new Map<string, string>();
  /** Known from the first login on. */
  #identity: Identity | undefined;
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

  /** One try to come in. After `entered` the session keeps itself connected until `quit`, or until it is over. */
  async enter(credentials: Credentials): Promise<Entry> {
    const entry = await this.#connect(credentials);
    if (entry.type !== 'entered') this.#become({ type: 'outside' });
    return entry;
  }

  /** Waits until there is a connection; false when there is none after `timeoutMs`, or will be none. */
  async whenOnline(timeoutMs: number): Promise<boolean> {
    const { type } = this.#state;
    if (type === 'online' || type === 'over') return type === 'online';
    const decided = Promise.withResolvers<void>();
    this.#waiting.add(decided.resolve);
    await within(decided.promise, timeoutMs, undefined);
    this.#waiting.delete(decided.resolve);
    return this.#online !== undefined;
  }

  /** Waits until what was missed has come; false when there is no connection, or it has not after `timeoutMs`. */
  whenLive(timeoutMs: number): Promise<boolean> {
    return within(this.#online?.live ?? Promise.resolve(false), timeoutMs, false);
  }

  /** Asks the server. `lost` also when there is no connection. */
  ask<V extends Verb>(verb: V, ...values: GivenArguments<V>): Promise<Response> {
    return this.#online?.ask(verb, ...values) ?? Promise.resolve({ type: 'lost' });
  }

  /** As `ask`, with a frame that is composed already. */
  request(requestId: number, frame: Uint8Array): Promise<Response> {
    const connection = this.#online;
    if (connection === undefined) return Promise.resolve({ type: 'lost' });
    return new Promise((resolve) => connection.request(requestId, frame, resolve));
  }

  changePassword(old: string, next: string): Promise<Response> {
    const ask = (): Promise<Response> => this.ask('password', old, next);
    return this.#identity?.change(next, ask) ?? ask();
  }

  /** The rooms that the person is in. */
  get rooms(): readonly string[] {
    return [...this.#rooms.values()];
  }

  /** The name of a room as the server spells it; undefined if the person is not in it. */
  room(name: string): string | undefined {
    return this.#rooms.get(foldName(name));
  }

  joined(room: string): void {
    this.#rooms.set(foldName(room), room);
  }

  left(room: string): void {
    this.#rooms.delete(foldName(room));
  }

  /** The server answered a request in a form that the protocol does not have. */
  distrust(): void {
    this.#connection?.distrust();
  }

  receive(message: FromStream): void {
    if (message.type === 'frames') {
      for (const { key, id, at } of message.settled) this.outgoing.settle(key, id, at);
      for (const event of message.events) this.#follow(event);
    }
    this.#connection?.receive(message);
  }

  /**
   * Says goodbye if it can, and ends the session and its token. What the display has is told first, so that it does not
   * come again. Takes two seconds at most. `fate` is what becomes of messages that are not stored, for people.
   */
  async quit(fate: string = ENDED): Promise<void> {
    const online = this.#online;
    online?.tellSeen();
    if (this.#identity?.token !== undefined) void online?.ask('logout');
    void online?.ask('quit');
    this.#end(fate);
    if (online !== undefined) await within(online.ended, QUIT_MS, '');
    this.#connection?.close('quit');
  }

  /** Rooms are also joined and left on other devices. */
  #follow(event: Event): void {
    if (event[0] !== 'joined' && event[0] !== 'left') return;
    const [kind, , , room, user] = event;
    if (foldName(user) === foldName(this.#identity?.user ?? '')) this[kind](room);
  }

  get #online(): Connection | undefined {
    return this.#state.type === 'online' ? this.#connection : undefined;
  }

  async #connect(credentials: Credentials): Promise<Entry> {
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
    const back = { token: this.#identity?.token, lastId: this.#readerLink.taken };
    const entry = await connection.enter(back);
    if (entry.type !== 'entered') return entry;
    this.#identity ??= new Identity(credentials);
    this.#identity.token = entry.token;
    this.#goOnline(connection, entry.user, entry.rooms);
    return entry;
  }

  #goOnline(connection: Connection, user: string, rooms: readonly string[]): void {
    if (this.#state.type === 'over') {
      connection.close('quit');
      return;
    }
    const since = performance.now();
    this.user = user;
    // A guest comes back as somebody who is in no room.
    if (this.#identity?.isGuest) {
      for (const room of this.#rooms.values()) void connection.ask('join', room);
    } else {
      this.#rooms.clear();
    }
    for (const room of rooms) this.joined(room);
    this.#become({ type: 'online' });
    this.#listener.connection('connected', `connected to ${formatAddress(this.address)} as ${user}`);
    // Not before what was missed has come: a message that the server has stored already comes with it.
    void connection.live.then((isLive) => {
      if (isLive && this.#online === connection) this.outgoing.attach(connection);
    });
    void connection.ended.then((reason) => {
      if (performance.now() - since >= GOOD_CONNECTION_MS) this.#failures = 0;
      this.#lost(connection, reason);
    });
  }

  #lost(connection: Connection, reason: string): void {
    this.outgoing.detach();
    if (this.#state.type === 'over') return;
    if (this.#identity?.isGuest) {
      this.outgoing.failSent(
        'the connection was lost before the server answered: it may or may not have arrived',
      );
    }
    if (connection.farewell?.[1] === 'password_changed') {
      this.#giveUp(`${reason}: log in again with the present password`);
      return;
    }
    this.#scheduleRetry(connection);
    this.#listener.connection('lost', `connection lost: ${reason}`);
  }

  #scheduleRetry(last: Connection): void {
    const delay = retryDelay(this.#failures, Math.random(), last.farewell?.[3]);
    this.#failures += 1;
    this.#cancelRetry = afterOrAwake(delay, (hasSlept) => {
      // What failed before was another network.
      if (hasSlept) this.#failures = 0;
      void this.#reconnect();
    });
    this.#become({ type: 'waiting', until: performance.now() + delay });
  }

  async #reconnect(): Promise<void> {
    const identity = this.#identity;
    if (identity === undefined) return;
    const entry = await this.#connect(identity.credentials);
    if (entry.type === 'entered' || this.#state.type === 'over' || this.#connection === undefined) return;
    if (entry.type === 'refused' && identity.isFinal(entry.code)) {
      this.#giveUp(`logging in again was refused: ${entry.text}`);
    } else {
      this.#scheduleRetry(this.#connection);
    }
  }

  #giveUp(text: string): void {
    this.#listener.connection('lost', text);
    this.#cancelRetry?.();
    this.outgoing.detach();
    this.#become({ type: 'over' });
    this.#listener.over(EXIT.refused, text);
  }

  #end(fate: string): void {
    this.#cancelRetry?.();
    this.#become({ type: 'over' });
    this.outgoing.detach();
    this.outgoing.failAll(fate);
  }

  #become(state: State): void {
    if (this.#state.type === 'over') return;
    this.#state = state;
    if (state.type === 'online' || state.type === 'over') for (const settle of this.#waiting) settle();
    this.#listener.changed();
  }
}
