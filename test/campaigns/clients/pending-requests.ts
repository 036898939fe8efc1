/**
 * What a client has asked and has no answer to, and what it has said and must say again after a loss: sends with a key,
 * until they are answered, or come back as events.
 */

import type { Frame } from '../../support/frames.ts';
import { DEADLINE_MS } from '../../support/process.ts';
import { type Item, show } from '../views/observed-view.ts';
import type { Report } from '../views/view-faults.ts';
import type { Link } from './cuttable-connection.ts';

export interface Sending {
  readonly to: string;
  readonly text: string;
  /** Without a key it is said once, and what became of it is not known after a loss. */
  readonly key: string | null;
  tries: number;
}

type Asked =
  | { readonly type: 'send'; readonly sending: Sending; readonly isRepeat: boolean }
  | { readonly type: 'call'; readonly settle: (answer: Frame | undefined) => void };

type Move = 'join' | 'leave';

/** What a refusal means: it is said again; it follows from what others do; or the server must not say so. */
export type Judgement = 'again' | 'given up' | 'odd';

/** Refusals after which the same can be asked again. */
const TRANSIENT = new Set<unknown>(['unavailable', 'timed_out', 'storage_failed', 'busy', 'not_logged_in']);
const RETRY_MS = 10;
/** Bytes of a text that fits into a frame before login. */
const EARLY_TEXT = 3_000;

/** Of a client that may say all that it says. */
export function judgeStrictly(code: unknown): Judgement {
  return TRANSIENT.has(code) ? 'again' : 'odd';
}

export interface QuestionsOptions {
  readonly report: Report;
  /** Takes what an answer tells of the log. */
  readonly show: (item: Item) => void;
  /** Told of each refusal; of a join or leave without a sending. */
  readonly judge: (code: unknown, sending?: Sending) => Judgement;
}

export class Questions {
  /** Said with a key, and neither answered nor come back as an event; in the order in which it was said. */
  readonly pending = new Map<string, Sending>();
  /** True when the client has asked to go: it says nothing behind that. */
  isSilent = false;
  /** True when it has been let in: everything may be said. */
  isOpen = false;
  /** Told of each time that something is said. */
  onPosted: (sending: Sending) => void = () => {};
  /** Told of each pending message, when it is known to be stored. */
  onStored: (sending: Sending, id: number) => void = () => {};
  readonly #options: QuestionsOptions;
  readonly #asked = new Map<number, Asked>();
  /** Of what was said with a key, the id. */
  readonly #own = new Map<string, number>();
  #link: Link | undefined;
  #user = '';
  #latest = 0;

  constructor(options: QuestionsOptions) {
    this.#options = options;
  }

  /** Questions without an answer. */
  get size(): number {
    return this.#asked.size;
  }

  /** A connection begins. */
  begin(link: Link, user: string): void {
    this.#link = link;
    this.#user = user;
    this.#latest = 0;
  }

  /** The connection is over. `isForGood`: who comes back is somebody else. */
  end(isForGood: boolean): void {
    this.#link = undefined;
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    for (const one of asked) if (one.type === 'call') one.settle(undefined);
    if (!isForGood) return;
    this.pending.clear();
    this.#own.clear();
  }

  /** Undefined if the connection ended before the answer. `answered` is called in the turn in which it comes. */
  call(
    answered: (answer: Frame) => void,
    verb: string,
    ...values: readonly unknown[]
  ): Promise<Frame | undefined> {
    const id = this.#link?.request(verb, ...values);
    if (id === undefined) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const late = (): void => reject(new Error(`${this.#user}: no answer to ${verb} in ${DEADLINE_MS} ms`));
      const deadline = setTimeout(late, DEADLINE_MS);
      const settle = (answer: Frame | undefined): void => {
        clearTimeout(deadline);
        if (answer !== undefined) answered(answer);
        resolve(answer);
      };
      this.#asked.set(id, { type: 'call', settle });
    });
  }

  send(to: string, text: string, key: string | null): void {
    const sending: Sending = { to, text, key, tries: 0 };
    if (key !== null) this.pending.set(key, sending);
    this.#post(sending);
  }

  /** Undefined if the connection ended before the answer; nobody has to wait for it. */
  move(move: Move, room: string): Promise<Frame | undefined> {
    const id = this.#link?.request(move, room);
    if (id === undefined) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const settle = (answer: Frame | undefined): void => {
        if (answer !== undefined) this.#moved(move, room, answer);
        resolve(answer);
      };
      this.#asked.set(id, { type: 'call', settle });
    });
  }

  /** Says again what this connection has not been asked yet. */
  repeat(): void {
    const asked = new Set(
      [...this.#asked.values()].map((one) => (one.type === 'send' ? one.sending : undefined)),
    );
    for (const sending of this.pending.values()) if (!asked.has(sending)) this.#post(sending);
  }

  take(frame: Frame): void {
    const [type, value, result] = frame;
    const id = Number(value);
    const asked = this.#asked.get(id);
    if (asked === undefined) {
      this.#options.report('stray', `${this.#user} got an answer to nothing: ${JSON.stringify(frame)}`);
      return;
    }
    this.#asked.delete(id);
    if (asked.type === 'call') asked.settle(frame);
    else if (type === 'ok' && Array.isArray(result)) this.#sent(id, asked, result);
    else this.#refused(frame, asked.sending);
  }

  /** A message that the client's own account has said, as an event. */
  heard(item: Item): void {
    for (const asked of this.#asked.values()) {
      if (asked.type !== 'send' || asked.isRepeat || asked.sending.text !== item.text) continue;
      this.#options.report('repeat', `${this.#user} sent on this very connection, and got ${show(item)}`);
    }
    this.#settled(item.key, item.id);
  }

  #post(sending: Sending): void {
    const { to, text, key, tries } = sending;
    if (this.isSilent || this.#link === undefined || (!this.isOpen && text.length > EARLY_TEXT)) return;
    this.onPosted(sending);
    const id = this.#link.request('send', to, text, key);
    sending.tries += 1;
    if (id !== undefined) this.#asked.set(id, { type: 'send', sending, isRepeat: tries > 0 });
  }

  #moved(move: Move, room: string, answer: Frame): void {
    const [, , result] = answer;
    if (answer[0] !== 'ok' || !Array.isArray(result)) {
      this.#refused(answer);
      return;
    }
    const [id]: readonly unknown[] = result;
    // Null for a join where one was already.
    if (typeof id !== 'number') return;
    const kind = move === 'join' ? 'joined' : 'left';
    this.#options.show({ id, kind, user: this.#user, place: room, text: '', key: null });
  }

  #sent(
    request: number,
    { sending, isRepeat }: Asked & { readonly type: 'send' },
    [value, at]: readonly unknown[],
  ): void {
    const { report } = this.#options;
    const { to, text, key } = sending;
    const id = Number(value);
    const item: Item = { id, kind: 'message', user: this.#user, place: to, text, key };
    if (at !== Math.floor(id / 1_000)) report('altered', `time ${at} of ${show(item)}`);
    const known = isRepeat && key !== null ? this.#own.get(key) : undefined;
    if (known !== undefined) {
      if (known !== id) report('duplicated', `it was ${known}, and then ${show(item)}`);
      this.#settled(key, known);
      return;
    }
    if (!isRepeat) {
      if (request < this.#latest)
        report('out of order', `request ${request} took effect behind ${this.#latest}: ${show(item)}`);
      this.#latest = request;
    }
    this.#options.show(item);
    this.#settled(key, id);
  }

  #refused(frame: Frame, sending?: Sending): void {
    const [, , code] = frame;
    const judgement = this.#options.judge(code, sending);
    if (judgement === 'odd') {
      const what = sending === undefined ? 'to join or leave' : `"${sending.text.slice(0, 40)}"`;
      this.#options.report('refused', `${this.#user} asked ${what}: ${JSON.stringify(frame)}`);
    }
    if (sending === undefined || sending.key === null) return;
    if (judgement === 'again') setTimeout(() => this.#again(sending), RETRY_MS);
    else this.pending.delete(sending.key);
  }

  /** Also if it has come as an event since: a repeat gets the first id. */
  #again(sending: Sending): void {
    const { key } = sending;
    const isOwn = key !== null && (this.pending.has(key) || this.#own.has(key));
    // Before the login it is said again behind the next one, with all the others.
    if (this.isOpen && isOwn) this.#post(sending);
  }

  #settled(key: string | null, id: number): void {
    if (key === null) return;
    const sending = this.pending.get(key);
    this.pending.delete(key);
    this.#own.set(key, id);
    if (sending !== undefined) this.onStored(sending, id);
  }
}
