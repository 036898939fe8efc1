/**
 * A client that follows the protocol's rules for exactly-once delivery: it gives its sends keys, repeats what
 * is unanswered after a loss, and reconnects with the last id that it has. Its view is what a person would
 * have been shown: an own message arrives as an answer, or as an event with its key.
 */

import { setTimeout as wait } from 'node:timers/promises';
import type { Frame } from '../../support/frames.ts';
import { DEADLINE_MS } from '../../support/process.ts';
import { Watchers } from '../../support/watchers.ts';
import { fromEvent, type Item, ObservedView, show } from '../views/observed-view.ts';
import type { Report } from '../views/view-faults.ts';
import { type Cut, CuttableConnection } from './cuttable-connection.ts';
import type { Owner } from './owner.ts';
import { PendingRequests, type PendingRequestsOptions } from './pending-requests.ts';

export interface Habits extends Pick<PendingRequestsOptions, 'judge'> {
  /** Repeats what is unanswered right after the login, without waiting to be live. */
  readonly isEager: boolean;
  /** Treats the id in `live` as received. */
  readonly trustsLive: boolean;
  /** The last id sent with the first login; undefined to start where the account has seen everything. */
  readonly after: number | undefined;
}

/** `refused`: nobody listens, or the name is taken. `lost`: the connection ended before an answer. */
export type Entered = 'in' | 'refused' | 'lost';

/** Refusals after which a login can be repeated. */
const TRANSIENT = new Set<unknown>(['unavailable', 'timed_out', 'storage_failed', 'busy']);
const RETRY_MS = 10;

export class ResumingClient {
  readonly owner: Owner;
  readonly port: number;
  readonly views: ObservedView[] = [];
  readonly requests: PendingRequests;
  /** Called for each entry shown, and when a connection ends. */
  onShown: () => void = () => {};
  onEnded: (wasLive: boolean) => void = () => {};
  /** The last id received: where the next replay starts. */
  cursor = 0;
  isIn = false;
  isLive = false;
  /** Entries shown on this connection. */
  shown = 0;
  /** The rooms that the login answer listed. */
  rooms: readonly unknown[] = [];
  /** The server's `bye` on the last connection. */
  farewell: { readonly code: unknown; readonly retryAfterMs: number | undefined } | undefined;
  /** Logins by verb, successful logins, temporary refusals, and unknown tokens. */
  readonly counts = { guest: 0, login: 0, resume: 0, in: 0, notYet: 0, badToken: 0, tooSlow: 0 };
  /** Lost connections by their state. */
  readonly losses = { login: 0, replay: 0, live: 0 };
  readonly #habits: Habits;
  readonly #report: Report;
  readonly #watchers = new Watchers();
  #connection: CuttableConnection | undefined;
  #token: string | undefined;

  constructor(owner: Owner, port: number, habits: Habits, report: Report) {
    this.owner = owner;
    this.port = port;
    this.#habits = habits;
    this.#report = report;
    this.requests = new PendingRequests({ report, judge: habits.judge, show: (item) => this.#show(item) });
  }

  /** The open connection. */
  get connection(): CuttableConnection | undefined {
    return this.#connection;
  }

  get isConnected(): boolean {
    return this.#connection !== undefined;
  }

  /** True when nothing is unanswered or missing. */
  get isSettled(): boolean {
    return this.isLive && this.requests.size === 0 && this.requests.pending.size === 0;
  }

  /** The current name. */
  get user(): string {
    return this.views.at(-1)?.user ?? this.owner.user;
  }

  /** Connects and logs in. `as`: the name of a guest. */
  async enter(cut?: Cut, as?: string): Promise<Entered> {
    this.farewell = undefined;
    const connection = await CuttableConnection.open(this.port, this, { cut });
    if (connection === undefined || connection.isOver) return 'refused';
    this.#connection = connection;
    this.requests.begin(connection, as ?? this.owner.user);
    return this.logIn(as);
  }

  /** Logs in on an open connection. */
  async logIn(as?: string): Promise<Entered> {
    this.requests.isSilent = false;
    this.shown = 0;
    for (;;) {
      const answer = await this.#askIn(as);
      if (answer === undefined) return 'lost';
      if (answer[0] === 'ok') return 'in';
      if (answer[2] === 'name_taken') {
        this.cut('close');
        return 'refused';
      }
      if (answer[2] === 'bad_token') this.#token = undefined;
      else if (!TRANSIENT.has(answer[2]))
        throw new Error(`${this.owner.user} could not log in: ${JSON.stringify(answer)}`);
      this.counts[answer[2] === 'bad_token' ? 'badToken' : 'notYet'] += 1;
      await wait(RETRY_MS);
      // What was sent after the login is refused too. All of it is repeated in order after the next login.
      const { requests } = this;
      await this.until('refusals behind a login', () => requests.size === 0 || !this.isConnected);
    }
  }

  async seen(id: number): Promise<void> {
    const { marks } = this.owner;
    marks.asked = Math.max(marks.asked, id);
    const answer = await this.call('seen', id);
    if (answer?.[0] === 'ok' && marks.areKept) marks.answered = Math.max(marks.answered, id);
  }

  /** Sends any request. Undefined if the connection ended before the answer. */
  call(verb: string, ...values: readonly unknown[]): Promise<Frame | undefined> {
    return this.requests.call(() => {}, verb, ...values);
  }

  /** Ends the session and its token; the connection stays open. */
  async logout(): Promise<void> {
    this.requests.isSilent = true;
    const left = (answer: Frame): void => {
      if (answer[0] === 'ok') this.#out();
      this.#token = undefined;
    };
    await this.requests.call(left, 'logout');
  }

  /** Ends the connection cleanly. */
  async quit(): Promise<void> {
    this.requests.isSilent = true;
    await this.call('quit');
  }

  cut(way: Cut['way']): void {
    this.#connection?.cut(way);
  }

  until(what: string, condition: () => boolean, timeoutMs = DEADLINE_MS): Promise<void> {
    return this.#watchers.until(condition, timeoutMs, () => `${this.state()}: no ${what} in ${timeoutMs} ms`);
  }

  /** Describes the client for error messages. */
  state(): string {
    const { size, pending } = this.requests;
    return `${this.owner.user} (connected ${this.isConnected}, in ${this.isIn}, live ${this.isLive}, cursor ${this.cursor}, ${size} asked, ${pending.size} pending)`;
  }

  frame(frame: Frame): void {
    switch (frame[0]) {
      case 'ok':
      case 'error':
        this.requests.take(frame);
        break;
      case 'message':
      case 'joined':
      case 'left':
        this.#heard(frame);
        break;
      case 'live':
        this.#live(Number(frame[1]));
        break;
      case 'bye':
        this.#bye(frame);
        break;
      default:
    }
    this.#watchers.notify();
  }

  ended(): void {
    const wasLive = this.isLive;
    this.losses[wasLive ? 'live' : this.isIn ? 'replay' : 'login'] += 1;
    this.#connection = undefined;
    this.#out();
    this.requests.end(this.owner.password === undefined);
    this.#watchers.notify();
    this.onEnded(wasLive);
  }

  #out(): void {
    this.isIn = false;
    this.isLive = false;
    this.requests.isOpen = false;
  }

  #askIn(as?: string): Promise<Frame | undefined> {
    const { user, password, marks } = this.owner;
    const { after, isEager } = this.#habits;
    const least = after ?? marks.answered;
    const lastId = this.views.length === 0 ? after : this.cursor;
    const letIn = (answer: Frame): void => {
      if (answer[0] !== 'ok') return;
      this.#letIn(answer[2]);
      if (password === undefined) this.#begin(new ObservedView(as ?? user, { least: 0, most: 0 }));
      else if (this.views.length === 0)
        this.#begin(new ObservedView(user, { least, most: after ?? marks.asked }));
    };
    const { requests, counts } = this;
    const verb = password === undefined ? 'guest' : this.#token === undefined ? 'login' : 'resume';
    counts[verb] += 1;
    const asked =
      verb === 'guest'
        ? requests.call(letIn, verb, as ?? user)
        : requests.call(letIn, verb, user, this.#token ?? password, lastId);
    if (isEager) requests.repeat();
    return asked;
  }

  #letIn(result: unknown): void {
    this.isIn = true;
    this.requests.isOpen = true;
    this.counts.in += 1;
    const { token, rooms } = fieldsOf(result);
    if (typeof token === 'string') this.#token = token;
    if (Array.isArray(rooms)) this.rooms = rooms;
  }

  #begin(view: ObservedView): void {
    this.views.push(view);
    this.cursor = view.start.least;
  }

  #heard(frame: Frame): void {
    const item = fromEvent(frame);
    const [, , at] = frame;
    const { user } = this;
    if (!this.isIn) this.#report('foreign', `${user} is not logged in, and got ${show(item)}`);
    if (at !== Math.floor(item.id / 1_000)) this.#report('altered', `time ${at} of ${show(item)}`);
    if (item.kind === 'message' && item.user === user) this.requests.heard(item);
    this.#show(item);
  }

  #show(item: Item): void {
    if (item.id <= this.cursor)
      this.#report('repeat', `${this.owner.user} got ${show(item)} after ${this.cursor}`);
    this.cursor = Math.max(this.cursor, item.id);
    this.shown += 1;
    this.views.at(-1)?.add(item);
    this.onShown();
  }

  #live(id: number): void {
    if (id < this.cursor) this.#report('out of order', `live at ${id}, after ${this.cursor}`);
    if (this.#habits.trustsLive) this.cursor = Math.max(this.cursor, id);
    this.isLive = true;
    this.requests.repeat();
  }

  #bye([, code, text, retryAfterMs]: Frame): void {
    const { user } = this.owner;
    this.farewell = { code, retryAfterMs: typeof retryAfterMs === 'number' ? retryAfterMs : undefined };
    if (code === 'too_slow') this.counts.tooSlow += 1;
    if (code === 'failed') this.#report('failed', `${user}: bye ${code}, ${text}`);
    if (code !== 'quit' || this.requests.size === 0) return;
    this.#report('lost', `${user}: bye, and ${this.requests.size} requests are unanswered`);
  }
}

/** The fields of a login answer. */
export function fieldsOf(result: unknown): { readonly token?: unknown; readonly rooms?: unknown } {
  return typeof result === 'object' && result !== null ? result : {};
}
