/**
 * A client as the protocol wants it: it gives its sends keys, repeats what is unanswered after a loss, and comes back
 * with the last id that it has. Its view is what a person would have been shown: an own message comes as an answer, or as
 * an event with its key.
 */

import { setTimeout as wait } from 'node:timers/promises';
import type { Frame } from '../../support/frames.ts';
import { DEADLINE_MS } from '../../support/process.ts';
import { Watchers } from '../../support/watchers.ts';
import { fromEvent, type Item, show, View } from '../views/observed-view.ts';
import type { Report } from '../views/view-faults.ts';
import { type Cut, Link } from './cuttable-connection.ts';
import type { Owner } from './owner.ts';
import { Questions, type QuestionsOptions } from './pending-requests.ts';

export interface Habits extends Pick<QuestionsOptions, 'judge'> {
  /** Repeats what is unanswered right behind the login, and does not wait to be live. */
  readonly isEager: boolean;
  /** Takes the id in `live` as one that it has. */
  readonly trustsLive: boolean;
  /** The last id at the first login; undefined to begin where the account has seen everything. */
  readonly after: number | undefined;
}

/** `refused`: nobody listens, or the name is taken at the moment. `lost`: the connection ended before. */
export type Entered = 'in' | 'refused' | 'lost';

/** Refusals of a login that can be asked again. */
const TRANSIENT = new Set<unknown>(['unavailable', 'timed_out', 'storage_failed', 'busy']);
const RETRY_MS = 10;

export class Device {
  readonly owner: Owner;
  readonly port: number;
  readonly views: View[] = [];
  readonly questions: Questions;
  /** Told of each entry that it is shown, and of the end of a connection. */
  onShown: () => void = () => {};
  onEnded: (wasLive: boolean) => void = () => {};
  /** The last id that it has got; where it goes on. */
  cursor = 0;
  isIn = false;
  isLive = false;
  /** Entries that the connection has brought. */
  shown = 0;
  /** The rooms that it was told at its login that it is in. */
  rooms: readonly unknown[] = [];
  /** What the server said when it ended the last connection. */
  farewell: { readonly code: unknown; readonly retryAfterMs: number | undefined } | undefined;
  /** Logins, by verb; and how often it came in, was told to try again, and that its token is not known. */
  readonly counts = { guest: 0, login: 0, resume: 0, in: 0, notYet: 0, badToken: 0, tooSlow: 0 };
  /** Connections that ended, by what they were in the middle of. */
  readonly losses = { login: 0, replay: 0, live: 0 };
  readonly #habits: Habits;
  readonly #report: Report;
  readonly #watchers = new Watchers();
  #link: Link | undefined;
  #token: string | undefined;

  constructor(owner: Owner, port: number, habits: Habits, report: Report) {
    this.owner = owner;
    this.port = port;
    this.#habits = habits;
    this.#report = report;
    this.questions = new Questions({ report, judge: habits.judge, show: (item) => this.#show(item) });
  }

  /** The connection that is there. */
  get link(): Link | undefined {
    return this.#link;
  }

  get isConnected(): boolean {
    return this.#link !== undefined;
  }

  /** True when there is nothing left to be said or to be told. */
  get isSettled(): boolean {
    return this.isLive && this.questions.size === 0 && this.questions.pending.size === 0;
  }

  /** The name that it has at the moment. */
  get user(): string {
    return this.views.at(-1)?.user ?? this.owner.user;
  }

  /** Connects and logs in. `as`: the name of a guest. */
  async enter(cut?: Cut, as?: string): Promise<Entered> {
    this.farewell = undefined;
    const link = await Link.open(this.port, this, { cut });
    if (link === undefined || link.isOver) return 'refused';
    this.#link = link;
    this.questions.begin(link, as ?? this.owner.user);
    return this.logIn(as);
  }

  /** On a connection that is there. */
  async logIn(as?: string): Promise<Entered> {
    this.questions.isSilent = false;
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
        throw new Error(`${this.owner.user} was not let in: ${JSON.stringify(answer)}`);
      this.counts[answer[2] === 'bad_token' ? 'badToken' : 'notYet'] += 1;
      await wait(RETRY_MS);
      // What was said behind it is refused, too, and said again behind the next one: all of it, and in order.
      const { questions } = this;
      await this.until('refusals behind a login', () => questions.size === 0 || !this.isConnected);
    }
  }

  async seen(id: number): Promise<void> {
    const { marks } = this.owner;
    marks.asked = Math.max(marks.asked, id);
    const answer = await this.call('seen', id);
    if (answer?.[0] === 'ok' && marks.areKept) marks.answered = Math.max(marks.answered, id);
  }

  /** Any request; undefined if the connection ended before the answer. */
  call(verb: string, ...values: readonly unknown[]): Promise<Frame | undefined> {
    return this.questions.call(() => {}, verb, ...values);
  }

  /** Ends the session, and its token; the connection stays. */
  async logout(): Promise<void> {
    this.questions.isSilent = true;
    const left = (answer: Frame): void => {
      if (answer[0] === 'ok') this.#out();
      this.#token = undefined;
    };
    await this.questions.call(left, 'logout');
  }

  /** Ends the connection in order. */
  async quit(): Promise<void> {
    this.questions.isSilent = true;
    await this.call('quit');
  }

  cut(way: Cut['way']): void {
    this.#link?.cut(way);
  }

  until(what: string, condition: () => boolean, timeoutMs = DEADLINE_MS): Promise<void> {
    return this.#watchers.until(condition, timeoutMs, () => `${this.state()}: no ${what} in ${timeoutMs} ms`);
  }

  /** For whoever waits for it in vain. */
  state(): string {
    const { size, pending } = this.questions;
    return `${this.owner.user} (connected ${this.isConnected}, in ${this.isIn}, live ${this.isLive}, cursor ${this.cursor}, ${size} asked, ${pending.size} pending)`;
  }

  frame(frame: Frame): void {
    switch (frame[0]) {
      case 'ok':
      case 'error':
        this.questions.take(frame);
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
    this.#link = undefined;
    this.#out();
    this.questions.end(this.owner.password === undefined);
    this.#watchers.notify();
    this.onEnded(wasLive);
  }

  #out(): void {
    this.isIn = false;
    this.isLive = false;
    this.questions.isOpen = false;
  }

  #askIn(as?: string): Promise<Frame | undefined> {
    const { user, password, marks } = this.owner;
    const { after, isEager } = this.#habits;
    const least = after ?? marks.answered;
    const lastId = this.views.length === 0 ? after : this.cursor;
    const letIn = (answer: Frame): void => {
      if (answer[0] !== 'ok') return;
      this.#letIn(answer[2]);
      if (password === undefined) this.#begin(new View(as ?? user, { least: 0, most: 0 }));
      else if (this.views.length === 0) this.#begin(new View(user, { least, most: after ?? marks.asked }));
    };
    const { questions, counts } = this;
    const verb = password === undefined ? 'guest' : this.#token === undefined ? 'login' : 'resume';
    counts[verb] += 1;
    const asked =
      verb === 'guest'
        ? questions.call(letIn, verb, as ?? user)
        : questions.call(letIn, verb, user, this.#token ?? password, lastId);
    if (isEager) questions.repeat();
    return asked;
  }

  #letIn(result: unknown): void {
    this.isIn = true;
    this.questions.isOpen = true;
    this.counts.in += 1;
    const { token, rooms } = fieldsOf(result);
    if (typeof token === 'string') this.#token = token;
    if (Array.isArray(rooms)) this.rooms = rooms;
  }

  #begin(view: View): void {
    this.views.push(view);
    this.cursor = view.start.least;
  }

  #heard(frame: Frame): void {
    const item = fromEvent(frame);
    const [, , at] = frame;
    const { user } = this;
    if (!this.isIn) this.#report('foreign', `${user} is not logged in, and got ${show(item)}`);
    if (at !== Math.floor(item.id / 1_000)) this.#report('altered', `time ${at} of ${show(item)}`);
    if (item.kind === 'message' && item.user === user) this.questions.heard(item);
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
    this.questions.repeat();
  }

  #bye([, code, text, retryAfterMs]: Frame): void {
    const { user } = this.owner;
    this.farewell = { code, retryAfterMs: typeof retryAfterMs === 'number' ? retryAfterMs : undefined };
    if (code === 'too_slow') this.counts.tooSlow += 1;
    if (code === 'failed') this.#report('failed', `${user}: bye ${code}, ${text}`);
    if (code !== 'quit' || this.questions.size === 0) return;
    this.#report('lost', `${user}: bye, and ${this.questions.size} requests are unanswered`);
  }
}

/** What the map holds that answers a login. */
export function fieldsOf(result: unknown): { readonly token?: unknown; readonly rooms?: unknown } {
  return typeof result === 'object' && result !== null ? result : {};
}
