/**
 * A client as the protocol wants it: it gives its sends keys, repeats what is unanswered after a loss, and comes back
 * with the last id that it has. Its view is what a person would have been shown: an own message comes as an answer, or as
 * an event with its key.
 */

import { DEADLINE_MS } from '../support/process.ts';
import { Cable, type Cut, type Frame, type Way } from './cable.ts';
import type { Report } from './faults.ts';
import { Questions } from './questions.ts';
import { fromEvent, type Item, show, View } from './view.ts';

/** One person, on all devices. */
export interface Person {
  readonly user: string;
  /** Undefined for a guest, who is somebody else each time. */
  readonly password: string | undefined;
  /** What `seen` has been answered for, and asked for. `areKept`: false where the registry dies, which forgets the newest. */
  readonly marks: { answered: number; asked: number; readonly areKept: boolean };
}

export interface Habits {
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
/** Bytes of a text that fits into a frame before login. */
const EARLY_TEXT = 3_000;

export class Device {
  readonly person: Person;
  readonly port: number;
  readonly views: View[] = [];
  readonly questions: Questions;
  /** The last id that it has got; where it goes on. */
  cursor = 0;
  isIn = false;
  isLive = false;
  /** Entries that the connection has brought. */
  shown = 0;
  comings = 0;
  /** How often it was sent away because it read too slowly. */
  slow = 0;
  /** Connections that ended, by what they were in the middle of. */
  readonly losses = { login: 0, replay: 0, live: 0 };
  readonly #habits: Habits;
  readonly #report: Report;
  readonly #watchers = new Set<() => void>();
  #cable: Cable | undefined;
  #token: string | undefined;

  constructor(person: Person, port: number, habits: Habits, report: Report) {
    this.person = person;
    this.port = port;
    this.#habits = habits;
    this.#report = report;
    this.questions = new Questions(report, (item) => this.#show(item));
  }

  get isConnected(): boolean {
    return this.#cable !== undefined;
  }

  /** True when there is nothing left to be said or to be told. */
  get isSettled(): boolean {
    return this.isLive && this.questions.size === 0 && this.questions.pending.size === 0;
  }

  /** Connects and logs in. `as`: the name of a guest. */
  async enter(cut?: Cut, as?: string): Promise<Entered> {
    const cable = await Cable.open(this.port, this, cut);
    if (cable === undefined || cable.isOver) return 'refused';
    this.#cable = cable;
    this.questions.begin(cable, as ?? this.person.user);
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
      else if (TRANSIENT.has(answer[2])) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      else throw new Error(`${this.person.user} was not let in: ${JSON.stringify(answer)}`);
    }
  }

  async seen(id: number): Promise<void> {
    const { marks } = this.person;
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

  cut(way: Way): void {
    this.#cable?.cut(way);
  }

  /** Reads nothing until `resume`. */
  pause(): void {
    this.#cable?.pause();
  }

  resume(): void {
    this.#cable?.resume();
  }

  /** The connection is not cut by itself any more. */
  spare(): void {
    this.#cable?.spare();
  }

  until(what: string, condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const settle = (end: () => void): void => {
        clearTimeout(deadline);
        this.#watchers.delete(check);
        end();
      };
      const check = (): void => {
        if (condition()) settle(resolve);
      };
      const late = (): void => reject(new Error(`${this.#state()}: no ${what} in ${DEADLINE_MS} ms`));
      const deadline = setTimeout(settle, DEADLINE_MS, late);
      this.#watchers.add(check);
    });
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
    for (const check of [...this.#watchers]) check();
  }

  ended(): void {
    this.losses[this.isLive ? 'live' : this.isIn ? 'replay' : 'login'] += 1;
    this.#cable = undefined;
    this.#out();
    this.questions.end(this.person.password === undefined);
    for (const check of [...this.#watchers]) check();
  }

  #out(): void {
    this.isIn = false;
    this.isLive = false;
  }

  #askIn(as?: string): Promise<Frame | undefined> {
    const { user, password, marks } = this.person;
    const { after, isEager } = this.#habits;
    const least = after ?? marks.answered;
    const lastId = this.views.length === 0 ? after : this.cursor;
    const letIn = (answer: Frame): void => {
      if (answer[0] !== 'ok') return;
      this.isIn = true;
      this.comings += 1;
      const [, , result] = answer;
      if (isRecord(result) && typeof result.token === 'string') this.#token = result.token;
      if (password === undefined) this.#begin(new View(as ?? user, { least: 0, most: 0 }));
      else if (this.views.length === 0) this.#begin(new View(user, { least, most: after ?? marks.asked }));
    };
    const { questions } = this;
    const asked =
      password === undefined
        ? questions.call(letIn, 'guest', as ?? user)
        : this.#token === undefined
          ? questions.call(letIn, 'login', user, password, lastId)
          : questions.call(letIn, 'resume', user, this.#token, lastId);
    // Larger frames are taken only after the login.
    if (isEager) questions.repeat(EARLY_TEXT);
    return asked;
  }

  #begin(view: View): void {
    this.views.push(view);
    this.cursor = view.start.least;
  }

  #heard(frame: Frame): void {
    const item = fromEvent(frame);
    const [, , at] = frame;
    const { user } = this.views.at(-1) ?? this.person;
    if (!this.isIn) this.#report('foreign', `${user} is not logged in, and got ${show(item)}`);
    if (at !== Math.floor(item.id / 1_000)) this.#report('altered', `time ${at} of ${show(item)}`);
    if (item.kind === 'message' && item.user === user) this.questions.heard(item);
    this.#show(item);
  }

  #show(item: Item): void {
    if (item.id <= this.cursor)
      this.#report('repeat', `${this.person.user} got ${show(item)} after ${this.cursor}`);
    this.cursor = Math.max(this.cursor, item.id);
    this.shown += 1;
    this.views.at(-1)?.add(item);
  }

  #live(id: number): void {
    if (id < this.cursor) this.#report('disorder', `live at ${id}, after ${this.cursor}`);
    if (this.#habits.trustsLive) this.cursor = Math.max(this.cursor, id);
    this.isLive = true;
    this.questions.repeat(Number.POSITIVE_INFINITY);
  }

  #bye([, code, text]: Frame): void {
    const { user } = this.person;
    if (code === 'too_slow') this.slow += 1;
    if (code === 'failed') this.#report('failed', `${user}: bye ${code}, ${text}`);
    if (code !== 'quit' || this.questions.size === 0) return;
    this.#report('lost', `${user}: bye, and ${this.questions.size} requests are unanswered`);
  }

  #state(): string {
    const { size, pending } = this.questions;
    return `${this.person.user} (connected ${this.isConnected}, in ${this.isIn}, live ${this.isLive}, cursor ${this.cursor}, ${size} asked, ${pending.size} pending)`;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
