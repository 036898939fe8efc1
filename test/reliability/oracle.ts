/**
 * Who tried to say what, what was acknowledged, and what everybody must have got: compared with what is stored, and
 * with what each client has got.
 *
 * A sender numbers its messages and repeats what is unanswered, in order and with the same keys, so that in the log its
 * numbers must follow one another without a gap: one that is missing was lost or put out of order.
 */

import type { Findings } from './campaign.ts';
import type { StoredMessage } from './stored.ts';

export const KINDS = [
  'lost',
  'never attempted',
  'duplicated',
  'out of order',
  'gap',
  'repeat',
  'refused',
  'token lost',
] as const;

/** One message that somebody tries to say. */
export interface Sending {
  readonly from: string;
  readonly number: number;
  readonly to: string;
  readonly text: string;
  readonly key: string;
  /** The id in the first acknowledgement. */
  acknowledged: number | undefined;
  /** The id under which it is stored. */
  stored: number | undefined;
}

/** A message as a client has got it. */
export type Got = Omit<StoredMessage, 'key'>;

export interface Viewer {
  readonly name: string;
  readonly rooms: ReadonlySet<string>;
}

interface View {
  /** What is stored and this viewer must get, in order. */
  readonly due: StoredMessage[];
  /** How much of that it has got. */
  got: number;
}

export class Oracle {
  readonly #findings: Findings;
  readonly #viewers: readonly Viewer[];
  readonly #sendings = new Map<string, Sending[]>();
  readonly #views = new Map<string, View>();
  /** How many of each sender are stored. */
  readonly #stored = new Map<string, number>();
  #newest = 0;
  acknowledged = 0;
  /** Found in the log after a kill before anybody had been told so. */
  unacknowledged = 0;

  constructor(findings: Findings, viewers: readonly Viewer[]) {
    this.#findings = findings;
    this.#viewers = viewers;
    for (const { name } of viewers) this.#views.set(name, { due: [], got: 0 });
  }

  get newest(): number {
    return this.#newest;
  }

  /** How many messages are known to be stored. */
  get stored(): number {
    return [...this.#stored.values()].reduce((sum, count) => sum + count, 0);
  }

  attempt(from: string, to: string, padding: number): Sending {
    const sent = this.#sendingsOf(from);
    const number = sent.length;
    const text = `${from} ${number} to ${to} ${'.'.repeat(padding)}`;
    const key = `key-${from}-${number}`.padEnd(20, '-');
    const sending: Sending = { from, number, to, text, key, acknowledged: undefined, stored: undefined };
    sent.push(sending);
    return sending;
  }

  /** Each acknowledgement, the first one and those of repeats. */
  acknowledge(sending: Sending, id: number): void {
    const { from, number, acknowledged, stored } = sending;
    if (acknowledged === undefined) {
      sending.acknowledged = id;
      this.acknowledged += 1;
    } else if (acknowledged !== id) {
      this.#findings.report(
        'duplicated',
        `${from} ${number} was acknowledged as ${acknowledged} and as ${id}`,
      );
    }
    if (stored !== undefined && stored !== id) {
      this.#findings.report(
        'duplicated',
        `${from} ${number} is stored as ${stored}, and acknowledged as ${id}`,
      );
    }
  }

  /** Takes what the log holds behind `newest`; whatever was acknowledged must be in it. */
  check(messages: readonly StoredMessage[]): void {
    for (const message of messages) this.#take(message);
    for (const [from, sent] of this.#sendings) {
      for (let at = this.#stored.get(from) ?? 0; at < sent.length; at += 1) {
        const missing = sent[at];
        if (missing?.acknowledged === undefined) continue;
        this.#findings.report('lost', `${from} ${missing.number}, acknowledged as ${missing.acknowledged}`);
      }
    }
  }

  /** The whole log once more, from its beginning: whatever was there at a check must still be. */
  checkAgain(messages: readonly StoredMessage[]): void {
    const byId = new Map(messages.map((message) => [message.id, message]));
    for (const sent of this.#sendings.values()) {
      for (const { from, number, text, stored } of sent) {
        if (stored === undefined || byId.get(stored)?.text === text) continue;
        this.#findings.report(
          'lost',
          `${from} ${number}, which was stored as ${stored}, is not there any more`,
        );
      }
    }
    const extra = messages.length - this.stored;
    if (extra > 0) this.#findings.report('duplicated', `${extra} messages more than were counted`);
  }

  /** Compares what a client has got since it was last asked. All of it must be stored. */
  checkView(name: string, items: readonly Got[]): void {
    const view = this.#viewOf(name);
    for (const item of items) {
      const next = view.due[view.got];
      if (next !== undefined && isSame(next, item)) {
        view.got += 1;
      } else {
        this.#explain(name, view, item);
        const place = view.due.findIndex((message) => message.id > item.id);
        view.got = place === -1 ? view.due.length : place;
      }
    }
  }

  /** What a client has not got although it has had the time. */
  checkComplete(name: string): void {
    const { due, got } = this.#viewOf(name);
    const next = due[got];
    if (next !== undefined) {
      this.#findings.report(
        'gap',
        `${name} did not get ${due.length - got} messages, the first is ${show(next)}`,
      );
    }
  }

  /** Everything that a viewer must see, from the beginning. */
  dueTo(name: string): readonly StoredMessage[] {
    return this.#viewOf(name).due;
  }

  #take(message: StoredMessage): void {
    const { id, from, text } = message;
    const number = Number(text.split(' ')[1]);
    const sending = this.#sendings.get(from)?.[number];
    const isAttempted =
      sending !== undefined &&
      sending.text === text &&
      sending.to === message.to &&
      sending.key === message.key;
    if (!isAttempted) {
      this.#findings.report('never attempted', show(message));
      return;
    }
    if (id <= this.#newest)
      this.#findings.report('out of order', `${show(message)} is not above ${this.#newest}`);
    this.#newest = id;
    if (sending.stored !== undefined) {
      this.#findings.report('duplicated', `${show(message)} is stored as ${sending.stored}, too`);
      return;
    }
    sending.stored = id;
    if (sending.acknowledged === undefined) this.unacknowledged += 1;
    else if (sending.acknowledged !== id) {
      this.#findings.report('lost', `${show(message)} was acknowledged as ${sending.acknowledged}`);
    }
    const expected = this.#stored.get(from) ?? 0;
    if (number !== expected) {
      this.#findings.report('out of order', `${show(message)} comes where ${from} ${expected} is due`);
    }
    this.#stored.set(from, number + 1);
    for (const viewer of this.#viewers) {
      if (isFor(viewer, message)) this.#viewOf(viewer.name).due.push(message);
    }
  }

  #explain(name: string, { due, got }: View, item: Got): void {
    const what = `${name} got ${show(item)}`;
    const place = due.findIndex((message) => message.id === item.id);
    const stored = due[place];
    if (stored === undefined) this.#findings.report('lost', `${what}, which is not stored, or not for it`);
    else if (place < got) this.#findings.report('repeat', `${what} again`);
    else if (place > got)
      this.#findings.report('gap', `${what}, and not the ${place - got} messages before it`);
    else this.#findings.report('never attempted', `${what}, but stored is ${show(stored)}`);
  }

  #sendingsOf(from: string): Sending[] {
    const known = this.#sendings.get(from);
    if (known !== undefined) return known;
    const sent: Sending[] = [];
    this.#sendings.set(from, sent);
    return sent;
  }

  #viewOf(name: string): View {
    const view = this.#views.get(name);
    if (view === undefined) throw new Error(`${name} is no viewer`);
    return view;
  }
}

function isFor({ name, rooms }: Viewer, { from, to }: StoredMessage): boolean {
  return from === name || to === name || rooms.has(to);
}

function isSame(a: Got, b: Got): boolean {
  return a.id === b.id && a.from === b.from && a.to === b.to && a.text === b.text;
}

function show({ id, from, to, text }: Got): string {
  return `message ${id} from ${from} to ${to} "${text.slice(0, 40)}"`;
}
