/**
 * A client of a server whose disk fails: it says things with keys, takes each refusal for what it means, and asks again
 * where it has to. What it gets is written down.
 */

import { until } from '../support/process.ts';
import type { Pick } from '../transport/hostile.ts';
import type { Findings } from './campaign.ts';
import { passwordOf } from './cheap-users.ts';
import { type Frame, Link, type LinkHandler } from './link.ts';
import type { StoredMessage } from './stored.ts';
import type { Saying, Verdicts } from './verdicts.ts';

/** How long before something that was refused is said again, in ms. */
const AGAIN_MS = 20;

export interface TalkerOptions {
  readonly name: string;
  readonly port: number;
  readonly rooms: ReadonlySet<string>;
  readonly verdicts: Verdicts;
  readonly findings: Findings;
  readonly pick: Pick;
}

/** Something other than a message that was asked. */
type Settle = (answer: Frame | undefined) => void;

export class Talker implements LinkHandler {
  readonly name: string;
  readonly rooms: ReadonlySet<string>;
  readonly #options: TalkerOptions;
  #link: Link | undefined;
  #token: string | undefined;
  #asked = new Map<unknown, Saying | Settle>();
  /** What has to be asked, or asked again. */
  readonly #waiting = new Set<Saying>();
  /** Each message that it has got, or been told that it is stored. */
  readonly #got = new Map<number, string>();
  cursor = 0;
  isLive = false;
  /** True while the server is there and has no reason to end a connection. */
  isToStay = true;
  onStored: (saying: Saying, id: number) => void = () => {};
  onRefused: () => void = () => {};

  constructor(options: TalkerOptions) {
    this.#options = options;
    this.name = options.name;
    this.rooms = options.rooms;
  }

  /** How many things it has asked and not heard of. */
  get outstanding(): number {
    return this.#asked.size;
  }

  /** Comes in, and goes on behind what it has got. The answer, if there was one. */
  async enter(): Promise<Frame | undefined> {
    const link = await Link.open(this.#options.port, this);
    if (link === undefined) return undefined;
    this.#link = link;
    this.isToStay = true;
    const answer = await this.#come(link);
    if (answer?.[2] !== 'bad_token') return answer;
    this.#token = undefined;
    return this.#come(link);
  }

  leave(): void {
    this.isToStay = false;
    this.#link?.destroy();
  }

  get isConnected(): boolean {
    return this.#link !== undefined;
  }

  ask(verb: string, ...values: readonly unknown[]): Promise<Frame | undefined> {
    const link = this.#link;
    if (link === undefined) return Promise.resolve(undefined);
    return new Promise((settle) => this.#asked.set(link.request(verb, ...values), settle));
  }

  say(saying: Saying): void {
    this.#waiting.delete(saying);
    if (this.#link === undefined) {
      this.#waiting.add(saying);
      return;
    }
    this.#options.verdicts.askAgain(saying);
    this.#asked.set(this.#link.request('send', saying.to, saying.text, saying.key), saying);
  }

  /** Waits until nothing is open any more. */
  settled(): Promise<true> {
    return until(`${this.name} to have it settled`, () => {
      for (const saying of this.#waiting) this.say(saying);
      return this.isLive && this.#asked.size === 0 && this.#waiting.size === 0;
    });
  }

  /** Waits until it has got everything up to that id. */
  got(id: number): Promise<true> {
    return until(`${this.name} to get ${id}`, () => this.cursor >= id);
  }

  /** Compares what it has got with what is stored and it may see. */
  check(messages: readonly StoredMessage[]): void {
    const { findings } = this.#options;
    const due = messages.filter((message) => this.#sees(message));
    for (const { id, text } of due) {
      if (this.#got.get(id) === text) continue;
      findings.report('gap', `${this.name} did not get ${id} "${text.slice(0, 40)}"`);
    }
    if (this.#got.size <= due.length) return;
    const stored = new Set(due.map(({ id }) => id));
    for (const [id, text] of this.#got) {
      if (!stored.has(id))
        findings.report('lost', `${this.name} got ${id} "${text.slice(0, 40)}", not stored`);
    }
  }

  /** The newest of these that it is to get. */
  newestDue(messages: readonly StoredMessage[]): number {
    return messages.findLast((message) => this.#sees(message))?.id ?? 0;
  }

  frame(frame: Frame): void {
    switch (frame[0]) {
      case 'ok':
      case 'error':
        this.#answered(frame);
        break;
      case 'message':
        this.#heard(Number(frame[1]), String(frame[5]));
        break;
      case 'live':
        this.isLive = true;
        break;
      default:
    }
  }

  ended(): void {
    const { findings } = this.#options;
    if (this.isToStay) findings.report('connection lost', this.name);
    this.#link = undefined;
    this.isLive = false;
    const asked = this.#asked;
    this.#asked = new Map();
    for (const item of asked.values()) {
      if (typeof item === 'function') item(undefined);
      else this.#waiting.add(item);
    }
  }

  async #come(link: Link): Promise<Frame | undefined> {
    const verb = this.#token === undefined ? 'login' : 'resume';
    const secret = this.#token ?? passwordOf(this.name);
    const answer = await new Promise<Frame | undefined>((settle) => {
      this.#asked.set(link.request(verb, this.name, secret, this.cursor), settle);
    });
    this.#token = tokenIn(answer?.[2]) ?? this.#token;
    return answer;
  }

  #sees({ from, to }: StoredMessage): boolean {
    return from === this.name || to === this.name || this.rooms.has(to);
  }

  #answered(frame: Frame): void {
    const [type, request, result] = frame;
    const asked = this.#asked.get(request);
    this.#asked.delete(request);
    if (asked === undefined) return;
    if (typeof asked === 'function') asked(frame);
    else if (type === 'ok') this.#stored(asked, Number(Array.isArray(result) ? result[0] : Number.NaN));
    else this.#refused(asked, String(result));
  }

  #stored(saying: Saying, id: number): void {
    this.#options.verdicts.stored(saying, id);
    // The answer to a repeat has the first id, which may have come by replay before.
    if (!this.#got.has(id)) this.#take(id, saying.text);
    this.onStored(saying, id);
  }

  #refused(saying: Saying, code: string): void {
    const { verdicts, findings, pick } = this.#options;
    if (code === 'storage_failed') {
      verdicts.failed(saying);
      this.#again(saying);
    } else if (code === 'storage_full') {
      verdicts.refused(saying, code);
      if (pick(2) === 0) this.#again(saying);
    } else {
      findings.report('odd answer', `${this.name} is told ${code}`);
    }
    this.onRefused();
  }

  /** Not at once: a disk that is full now is full in a moment, too. */
  #again(saying: Saying): void {
    this.#waiting.add(saying);
    setTimeout(() => {
      if (this.#waiting.has(saying)) this.say(saying);
    }, AGAIN_MS);
  }

  /** What comes on a connection, and on the next one after it, has a higher id each time. */
  #heard(id: number, text: string): void {
    const { findings } = this.#options;
    if (id < this.cursor) findings.report('repeat', `${this.name} got ${id} behind ${this.cursor}`);
    this.#take(id, text);
  }

  #take(id: number, text: string): void {
    const { findings } = this.#options;
    if (this.#got.has(id)) findings.report('repeat', `${this.name} got ${id} again`);
    this.#got.set(id, text);
    this.cursor = Math.max(this.cursor, id);
  }
}

/** What an answer to a login says to come back with. */
export function tokenIn(result: unknown): string | undefined {
  if (typeof result !== 'object' || result === null || !('token' in result)) return undefined;
  return typeof result.token === 'string' ? result.token : undefined;
}
