/**
 * A client as the protocol wants it: it gives every send a key, repeats what is unanswered after a loss, and comes back
 * with the last id that it has got. What it gets is written down for the oracle.
 */

import { until } from '../support/process.ts';
import type { Findings } from './campaign.ts';
import { passwordOf } from './cheap-users.ts';
import { type Frame, Link } from './link.ts';
import type { Got, Oracle, Sending, Viewer } from './oracle.ts';

/** Refusals that leave something to be repeated: the server could not do it at that moment. */
const TRANSIENT = new Set<unknown>(['unavailable', 'timed_out', 'storage_failed', 'busy', 'not_logged_in']);

/** `refused`: nobody listens. `lost`: the connection ended before the login was answered. */
export type Entered = 'in' | 'refused' | 'lost';

export interface ChatterOptions extends Viewer {
  readonly port: number;
  readonly oracle: Oracle;
  readonly findings: Findings;
}

export class Chatter implements Viewer {
  readonly name: string;
  readonly rooms: ReadonlySet<string>;
  /** In the order of sending. */
  readonly pending = new Set<Sending>();
  /** Told of each acknowledgement, of each message, and of the end of a connection. */
  onAcknowledged: () => void = () => {};
  onGot: () => void = () => {};
  onEnded: (wasLive: boolean) => void = () => {};
  /** The last id that it has got; where it goes on. */
  cursor = 0;
  isLive = false;
  /** What the server said when it ended the last connection. */
  farewell: { readonly code: unknown; readonly retryAfterMs: number | undefined } | undefined;
  /** How often it came in, by verb. */
  readonly entries = { login: 0, resume: 0, notYet: 0 };
  readonly #options: ChatterOptions;
  #token: string | undefined;
  #link: Link | undefined;
  #entering: { readonly id: number; settle(answer: Frame | 'lost'): void } | undefined;
  /** Requests of this connection without an answer. */
  #asked = new Map<number, { readonly sending: Sending; readonly isRepeat: boolean }>();
  #view: Got[] = [];
  #joined = 0;

  constructor(options: ChatterOptions) {
    this.name = options.name;
    this.rooms = options.rooms;
    this.#options = options;
  }

  get isConnected(): boolean {
    return this.#link !== undefined;
  }

  /** What it got since this was last asked. */
  takeView(): Got[] {
    const view = this.#view;
    this.#view = [];
    return view;
  }

  /** Comes in, with a token if it has one; and repeats what is unanswered without waiting to be let in. */
  async enter(): Promise<Entered> {
    this.farewell = undefined;
    const link = await Link.open(this.#options.port, this);
    if (link === undefined) return 'refused';
    this.#link = link;
    for (;;) {
      const answer = await this.#ask(link, this.#token);
      if (answer === 'lost') return 'lost';
      if (answer[0] === 'ok') return 'in';
      if (answer[2] === 'bad_token') {
        this.#options.findings.report('token lost', this.name);
        this.#token = undefined;
      } else if (TRANSIENT.has(answer[2])) {
        this.entries.notYet += 1;
        await new Promise((resolve) => setTimeout(resolve, 20));
      } else {
        throw new Error(`${this.name} was not let in: ${JSON.stringify(answer)}`);
      }
    }
  }

  /** Says something, or keeps it until the connection is back. */
  send(sending: Sending): void {
    this.pending.add(sending);
    this.#post(sending, false);
  }

  /** Asks something that must succeed; before it, `enter`. */
  async join(): Promise<void> {
    for (const room of this.rooms) this.#link?.request('join', room);
    await this.settled(`${this.name} to be in its rooms`, () => this.#joined >= this.rooms.size);
  }

  settled(what: string, condition: () => boolean): Promise<true> {
    const state = (): string =>
      `${this.name}: connected ${this.isConnected}, live ${this.isLive}, ${this.pending.size} pending, cursor ${this.cursor}`;
    return until(what, condition, { state });
  }

  leave(): void {
    this.#link?.destroy();
  }

  frame(frame: Frame): void {
    switch (frame[0]) {
      case 'ok':
      case 'error':
        this.#answered(frame);
        break;
      case 'message':
        this.#heard(frame);
        break;
      case 'joined':
      case 'left':
        this.#advance(Number(frame[1]), String(frame[0]));
        break;
      case 'live':
        this.#live(Number(frame[1]));
        break;
      case 'bye':
        this.farewell = { code: frame[1], retryAfterMs: typeof frame[3] === 'number' ? frame[3] : undefined };
        break;
      default:
    }
  }

  ended(): void {
    const wasLive = this.isLive;
    this.#link = undefined;
    this.isLive = false;
    this.#asked.clear();
    this.#entering?.settle('lost');
    this.#entering = undefined;
    this.onEnded(wasLive);
  }

  #ask(link: Link, token: string | undefined): Promise<Frame | 'lost'> {
    const verb = token === undefined ? 'login' : 'resume';
    this.entries[verb] += 1;
    const id = link.request(verb, this.name, token ?? passwordOf(this.name), this.cursor);
    const answer = new Promise<Frame | 'lost'>((resolve) => {
      this.#entering = { id, settle: resolve };
    });
    for (const sending of this.pending) this.#post(sending, true);
    return answer;
  }

  #post(sending: Sending, isRepeat: boolean): void {
    const { to, text, key } = sending;
    const id = this.#link?.request('send', to, text, key);
    if (id !== undefined) this.#asked.set(id, { sending, isRepeat });
  }

  #answered(frame: Frame): void {
    const [type, id, result] = frame;
    if (this.#entering !== undefined && id === this.#entering.id) {
      if (isRecord(result) && typeof result.token === 'string') this.#token = result.token;
      this.#entering.settle(frame);
      this.#entering = undefined;
      return;
    }
    const asked = this.#asked.get(Number(id));
    if (asked === undefined) {
      if (type === 'ok') this.#joined += 1;
      return;
    }
    this.#asked.delete(Number(id));
    if (type === 'ok' && Array.isArray(result))
      this.#acknowledged(asked.sending, Number(result[0]), asked.isRepeat);
    else if (!TRANSIENT.has(result)) {
      this.#options.findings.report('refused', `${asked.sending.key}: ${JSON.stringify(frame)}`);
      this.pending.delete(asked.sending);
    }
  }

  #acknowledged(sending: Sending, id: number, isRepeat: boolean): void {
    const { from, to, text } = sending;
    this.#options.oracle.acknowledge(sending, id);
    this.pending.delete(sending);
    // The answer to a repeat has the first id, which may have come by replay before.
    if (id > this.cursor) this.#view.push({ id, from, to, text });
    if (id > this.cursor || !isRepeat) this.#advance(id, `the answer to ${sending.key}`);
    this.onAcknowledged();
  }

  #heard(frame: Frame): void {
    const [, id, , from, to, text] = frame;
    this.#view.push({ id: Number(id), from: String(from), to: String(to), text: String(text) });
    this.#advance(Number(id), `message "${String(text).slice(0, 40)}"`);
    this.onGot();
  }

  /** What comes on a connection, and on the next one after it, always has a higher id. */
  #advance(id: number, what: string): void {
    const { findings } = this.#options;
    if (id <= this.cursor)
      findings.report('repeat', `${this.name} got ${what} as ${id}, after ${this.cursor}`);
    this.cursor = Math.max(this.cursor, id);
  }

  #live(id: number): void {
    if (id < this.cursor) {
      this.#options.findings.report(
        'lost',
        `${this.name} went live at ${id}, and had already got ${this.cursor}`,
      );
    }
    this.cursor = Math.max(this.cursor, id);
    this.isLive = true;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
