/**
 * What a client has asked and has no answer to, and what it has said and must say again after a loss: sends with a key,
 * until they are answered, or come back as events.
 */

import { DEADLINE_MS } from '../support/process.ts';
import type { Cable, Frame } from './cable.ts';
import type { Report } from './faults.ts';
import { type Item, show } from './view.ts';

interface Sending {
  readonly to: string;
  readonly text: string;
  /** Without a key it is said once, and what became of it is not known after a loss. */
  readonly key: string | null;
  tries: number;
}

type Asked =
  | { readonly type: 'send'; readonly sending: Sending; readonly isRepeat: boolean }
  | { readonly type: 'join' | 'leave'; readonly room: string }
  | { readonly type: 'call'; readonly settle: (answer: Frame | undefined) => void };

/** Refusals after which the same can be asked again. */
const TRANSIENT = new Set<unknown>(['unavailable', 'timed_out', 'storage_failed', 'busy', 'not_logged_in']);
/** Refusals that follow from what others do. */
const EXPECTED = new Set<unknown>(['no_such_room', 'no_such_user', 'not_a_member']);
const RETRY_MS = 10;

export class Questions {
  /** Said with a key, and neither answered nor come back as an event. */
  readonly pending = new Map<string, Sending>();
  /** True when the client has asked to go: it says nothing behind that. */
  isSilent = false;
  readonly #report: Report;
  /** Takes what an answer tells of the log. */
  readonly #show: (item: Item) => void;
  readonly #asked = new Map<number, Asked>();
  /** Of what was said with a key, the id. */
  readonly #own = new Map<string, number>();
  #cable: Cable | undefined;
  #user = '';
  #latest = 0;

  constructor(report: Report, show: (item: Item) => void) {
    this.#report = report;
    this.#show = show;
  }

  /** Questions without an answer. */
  get size(): number {
    return this.#asked.size;
  }

  /** A connection begins. */
  begin(cable: Cable, user: string): void {
    this.#cable = cable;
    this.#user = user;
    this.#latest = 0;
  }

  /** The connection is over. `isForGood`: who comes back is somebody else. */
  end(isForGood: boolean): void {
    this.#cable = undefined;
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    for (const one of asked) if (one.type === 'call') one.settle(undefined);
    if (isForGood) this.pending.clear();
  }

  /** Undefined if the connection ended before the answer. `answered` is called in the turn in which it comes. */
  call(
    answered: (answer: Frame) => void,
    verb: string,
    ...values: readonly unknown[]
  ): Promise<Frame | undefined> {
    const id = this.#cable?.request(verb, ...values);
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

  move(type: 'join' | 'leave', room: string): void {
    const id = this.#cable?.request(type, room);
    if (id !== undefined) this.#asked.set(id, { type, room });
  }

  /** Says again what this connection has not been asked yet. `longest`: bytes of a text. */
  repeat(longest: number): void {
    const asked = new Set(
      [...this.#asked.values()].map((one) => (one.type === 'send' ? one.sending : undefined)),
    );
    for (const sending of this.pending.values())
      if (sending.text.length <= longest && !asked.has(sending)) this.#post(sending);
  }

  take(frame: Frame): void {
    const [type, id, result] = frame;
    const asked = this.#asked.get(Number(id));
    if (asked === undefined) {
      this.#report('stray', `${this.#user} got an answer to nothing: ${JSON.stringify(frame)}`);
      return;
    }
    this.#asked.delete(Number(id));
    if (asked.type === 'call') asked.settle(frame);
    else if (type !== 'ok' || !Array.isArray(result)) this.#refused(asked, frame);
    else if (asked.type === 'send') this.#sent(Number(id), asked, result);
    else this.#moved(asked, result);
  }

  /** A message that the client's own account has said, as an event. */
  heard(item: Item): void {
    for (const asked of this.#asked.values()) {
      if (asked.type !== 'send' || asked.isRepeat || asked.sending.text !== item.text) continue;
      this.#report('repeat', `${this.#user} sent on this very connection, and got ${show(item)}`);
    }
    this.#settled(item.key, item.id);
  }

  #post(sending: Sending): void {
    if (this.isSilent) return;
    const { to, text, key, tries } = sending;
    const id = this.#cable?.request('send', to, text, key);
    sending.tries += 1;
    if (id !== undefined) this.#asked.set(id, { type: 'send', sending, isRepeat: tries > 0 });
  }

  #moved({ type, room }: Asked & { readonly type: 'join' | 'leave' }, [id]: readonly unknown[]): void {
    // Null for a join where one was already.
    if (typeof id !== 'number') return;
    const kind = type === 'join' ? 'joined' : 'left';
    this.#show({ id, kind, user: this.#user, place: room, text: '', key: null });
  }

  #sent(
    request: number,
    { sending, isRepeat }: Asked & { readonly type: 'send' },
    [value, at]: readonly unknown[],
  ): void {
    const { to, text, key } = sending;
    const id = Number(value);
    const item: Item = { id, kind: 'message', user: this.#user, place: to, text, key };
    if (at !== Math.floor(id / 1_000)) this.#report('altered', `time ${at} of ${show(item)}`);
    const known = isRepeat && key !== null ? this.#own.get(key) : undefined;
    if (known !== undefined) {
      if (known !== id) this.#report('doubled', `it was ${known}, and then ${show(item)}`);
      this.#settled(key, known);
      return;
    }
    if (!isRepeat) {
      if (request < this.#latest)
        this.#report('disorder', `request ${request} took effect behind ${this.#latest}: ${show(item)}`);
      this.#latest = request;
    }
    this.#show(item);
    this.#settled(key, id);
  }

  #refused(asked: Exclude<Asked, { readonly type: 'call' }>, frame: Frame): void {
    const isTransient = TRANSIENT.has(frame[2]);
    if (!isTransient && !EXPECTED.has(frame[2]))
      this.#report('failed', `${this.#user} asked ${asked.type}: ${JSON.stringify(frame)}`);
    if (asked.type !== 'send' || asked.sending.key === null) return;
    const { sending } = asked;
    const { key } = asked.sending;
    if (isTransient) setTimeout(() => this.pending.has(key) && this.repeat(sending.text.length), RETRY_MS);
    else this.pending.delete(key);
  }

  #settled(key: string | null, id: number): void {
    if (key === null) return;
    this.pending.delete(key);
    this.#own.set(key, id);
  }
}
