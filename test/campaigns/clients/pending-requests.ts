/**
 * A client's unanswered requests, and the sends with a key that it must repeat after a loss, until they are
 * answered or arrive as events.
 */

import type { Frame } from '../../support/frames.ts';
import { DEADLINE_MS } from '../../support/process.ts';
import { type Item, show } from '../views/observed-view.ts';
import type { Report } from '../views/view-faults.ts';
import type { CuttableConnection } from './cuttable-connection.ts';

export interface Sending {
  readonly to: string;
  readonly text: string;
  /** Without a key the message is sent once, and its outcome is unknown after a loss. */
  readonly key: string | null;
  tries: number;
}

type Asked =
  | { readonly type: 'send'; readonly sending: Sending; readonly isRepeat: boolean }
  | { readonly type: 'call'; readonly settle: (answer: Frame | undefined) => void };

type Move = 'join' | 'leave';

/**
 * What a refusal means: send it again; accept it, because it follows from what others do; or report it,
 * because the server must not answer so.
 */
export type Judgement = 'again' | 'given up' | 'odd';

/** Refusals after which the same request can be repeated. */
const TRANSIENT = new Set<unknown>(['unavailable', 'timed_out', 'storage_failed', 'busy', 'not_logged_in']);
const RETRY_MS = 10;
/** The longest text that fits into a frame before login, in bytes. */
const EARLY_TEXT = 3_000;

/** For a client that is allowed everything it requests. */
export function judgeStrictly(code: unknown): Judgement {
  return TRANSIENT.has(code) ? 'again' : 'odd';
}

export interface PendingRequestsOptions {
  readonly report: Report;
  /** Takes an entry that an answer confirms. */
  readonly show: (item: Item) => void;
  /** Judges each refusal; `sending` is undefined for a join or leave. */
  readonly judge: (code: unknown, sending?: Sending) => Judgement;
}

export class PendingRequests {
  /** Sends with a key that are neither answered nor seen as events, in order. */
  readonly pending = new Map<string, Sending>();
  /** True once the client has asked to leave: it sends nothing after that. */
  isSilent = false;
  /** True once logged in: everything may be sent. */
  isOpen = false;
  /** Called for each send, repeats included. */
  onPosted: (sending: Sending) => void = () => {};
  /** Called when a pending message is known to be stored. */
  onStored: (sending: Sending, id: number) => void = () => {};
  readonly #options: PendingRequestsOptions;
  readonly #asked = new Map<number, Asked>();
  /** Ids of acknowledged sends by key. */
  readonly #own = new Map<string, number>();
  #connection: CuttableConnection | undefined;
  #user = '';
  #latest = 0;

  constructor(options: PendingRequestsOptions) {
    this.#options = options;
  }

  /** The number of unanswered requests. */
  get size(): number {
    return this.#asked.size;
  }

  /** A connection has opened. */
  begin(connection: CuttableConnection, user: string): void {
    this.#connection = connection;
    this.#user = user;
    this.#latest = 0;
  }

  /** The connection has ended. `isForGood`: the owner is a guest, and will be another account. */
  end(isForGood: boolean): void {
    this.#connection = undefined;
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    for (const one of asked) if (one.type === 'call') one.settle(undefined);
    if (!isForGood) return;
    this.pending.clear();
    this.#own.clear();
  }

  /**
   * Undefined if the connection ended before the answer. `answered` is called in the turn in which the answer
   * arrives.
   */
  call(
    answered: (answer: Frame) => void,
    verb: string,
    ...values: readonly unknown[]
  ): Promise<Frame | undefined> {
    const id = this.#connection?.request(verb, ...values);
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

  /** Undefined if the connection ended before the answer. The caller need not wait. */
  move(move: Move, room: string): Promise<Frame | undefined> {
    const id = this.#connection?.request(move, room);
    if (id === undefined) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const settle = (answer: Frame | undefined): void => {
        if (answer !== undefined) this.#moved(move, room, answer);
        resolve(answer);
      };
      this.#asked.set(id, { type: 'call', settle });
    });
  }

  /** Repeats what this connection has not been asked yet. */
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

  /** A message of the client's own account has arrived as an event. */
  heard(item: Item): void {
    for (const asked of this.#asked.values()) {
      if (asked.type !== 'send' || asked.isRepeat || asked.sending.text !== item.text) continue;
      this.#options.report('repeat', `${this.#user} sent on this very connection, and got ${show(item)}`);
    }
    this.#settled(item.key, item.id);
  }

  #post(sending: Sending): void {
    const { to, text, key, tries } = sending;
    if (this.isSilent || this.#connection === undefined || (!this.isOpen && text.length > EARLY_TEXT)) return;
    this.onPosted(sending);
    const id = this.#connection.request('send', to, text, key);
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
    // Null if the client already was a member.
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

  /** Repeats it even if it has arrived as an event since: a repeat gets the first id. */
  #again(sending: Sending): void {
    const { key } = sending;
    const isOwn = key !== null && (this.pending.has(key) || this.#own.has(key));
    // Before login it waits, and is repeated in order with all the others.
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
