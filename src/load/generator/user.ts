/**
 * One user of a load test: comes in, joins its rooms, says what it is told to say, and comes back when its connection is lost. What
 * arrives it hands on.
 */

import { within } from '../../common/deadline.ts';
import {
  type Connection,
  type Endpoint,
  type Past,
  UNMATCHED,
  type Visitor,
  type Wire,
  type WireHandler,
} from '../wires/client-wire.ts';
import { now } from './clock.ts';
import type { Reader } from './delivery-check.ts';
import type { Latencies } from './latencies.ts';
import type { Voice } from './send-schedule.ts';

export type Where = 'outside' | 'coming' | 'in' | 'gone';

/** A message without an answer. */
export interface Saying {
  readonly voice: Voice;
  readonly counter: number;
  readonly due: number;
  /** Asked again on another connection: the time to its answer says nothing about the server. */
  isRepeat: boolean;
}

export interface UserEvents {
  /** As in `WireHandler`. */
  came(): void;
  message(user: User, bytes: Buffer, start: number, end: number, id: number): void;
  /** `id`: of the message; 0 where the protocol has none. */
  acknowledged(user: User, saying: Saying, id: number): void;
  refused(user: User, saying: Saying, code: string): void;
  /** It was unanswered when its connection was lost, and is about to be said on another. */
  saidAgain(saying: Saying): void;
  /** Neither answered nor asked again. */
  unanswered(saying: Saying): void;
  /** Its text: good until the next call. */
  textOf(saying: Saying): Buffer;
  /** `reason`: by name, for counting. */
  failed(reason: string): void;
}

export interface UserOptions {
  readonly index: number;
  readonly reader: Reader;
  readonly visitor: Visitor;
  readonly rooms: readonly string[];
  readonly endpoint: Endpoint;
  readonly wire: Wire;
  readonly latencies: Latencies;
  /**
   * What the keys of messages begin with, so that what is unanswered can be said again after coming back; undefined to send
   * without keys, and give up what is unanswered.
   */
  readonly keys: string | undefined;
  readonly events: UserEvents;
}

const BUSY_MS = 200;
/** A server that is busy for longer does not let this one in. */
const LONGEST_BUSY_MS = 60_000;
const BACK_OFF_MS = 50;
const LONGEST_BACK_OFF_MS = 2_000;
/** How long the server may take until everything that was missed has come. */
const LIVE_MS = 60_000;
/**
 * Bytes that the server may send to one user without having been asked. Policy beyond that: the connection is ended for good, so that a
 * server that sends without end does not keep the run from its end.
 */
const UNASKED_BYTES = 4 * 1_024 * 1_024;
/** Counted for each frame besides its bytes: small ones cost time, too. */
const FRAME_BYTES = 64;

export class User implements WireHandler {
  readonly index: number;
  readonly reader: Reader;
  readonly #options: UserOptions;
  where: Where = 'outside';
  /** Since when everything that is said comes at once, in microseconds; Infinity while it does not. */
  liveSince = Number.POSITIVE_INFINITY;
  /** True from when it stops reading: what it gets from then on is late by its own doing. */
  isSlow = false;
  /** True while it stays away because it was told to. */
  isAway = false;
  readonly #unanswered = new Map<number, Saying>();
  #nextNumber = 0;
  #connection: Connection | undefined;
  #past: Past | undefined;
  #live: (() => void) | undefined;
  #failures = 0;
  /** Set when it is not to come back. */
  #isLeaving = false;
  #isComingBack = false;
  #unasked = 0;
  /** Called when a connection that was cut has ended. */
  #cut: (() => void) | undefined;

  constructor(options: UserOptions) {
    this.#options = options;
    this.index = options.index;
    this.reader = options.reader;
  }

  get isIn(): boolean {
    return this.where === 'in';
  }

  /** Messages without an answer. */
  get waiting(): number {
    return this.#unanswered.size;
  }

  get unanswered(): Iterable<Saying> {
    return this.#unanswered.values();
  }

  /** Connects, logs in and joins. `since`: when it began to come back, for those who had been in before. True when it is in. */
  async comeIn(since: number = now()): Promise<boolean> {
    const { wire, endpoint, latencies, events, visitor, rooms } = this.#options;
    this.where = 'coming';
    const isBack = this.#past !== undefined;
    const began = now();
    let connection: Connection;
    try {
      connection = await wire.connect(endpoint, this);
    } catch (error) {
      events.failed(`connect: ${error instanceof Error ? codeOf(error) : String(error)}`);
      this.where = 'outside';
      return false;
    }
    const connected = now();
    latencies.record('connect', connected - began);
    this.#connection = connection;
    const isLive = new Promise<void>((resolve) => {
      this.#live = resolve;
    });
    for (;;) {
      const entered = await connection.enter(visitor, this.#past);
      if (entered.type === 'in') break;
      if (entered.type === 'lost') return false;
      events.failed(`login: ${entered.type === 'busy' ? 'busy' : entered.code}`);
      const isRefused = entered.type === 'refused';
      if (isRefused || now() - connected > LONGEST_BUSY_MS * 1_000) {
        this.#isLeaving = isRefused;
        connection.destroy();
        return false;
      }
      await new Promise((resolve) => setTimeout(resolve, BUSY_MS));
    }
    if (!isBack) latencies.record('login', now() - connected);
    if (
      !(await within(
        isLive.then(() => true),
        LIVE_MS,
        false,
      ))
    ) {
      events.failed(`login: not live in ${LIVE_MS / 1_000} s`);
      connection.destroy();
    }
    if (this.#connection !== connection) return false;
    if (isBack) latencies.record('resume', now() - since);
    else for (const room of rooms) if (!(await connection.join(room))) events.failed(`join: ${room}`);
    if (this.#connection !== connection) return false;
    this.#failures = 0;
    this.where = 'in';
    this.liveSince = now();
    this.#sayAgain();
    return true;
  }

  /** Says it, on the connection that there is. */
  say(saying: Saying): void {
    const number = this.#nextNumber;
    this.#nextNumber += 1;
    const { wire, keys, events } = this.#options;
    const { voice, counter } = saying;
    if (wire.acknowledges) this.#unanswered.set(number, saying);
    const key = keys === undefined ? undefined : `${keys}-${voice.number}-${counter}`;
    this.#connection?.send(voice.to, events.textOf(saying), number, key);
  }

  /** Loses its connection, and comes back after that time. */
  cut(awayMs: number): void {
    const since = now() + awayMs * 1_000;
    this.isAway = true;
    this.#cut = () => {
      setTimeout(() => {
        this.isAway = false;
        void this.#comeBack(since);
      }, awayMs);
    };
    this.#connection?.destroy();
  }

  stopReading(): void {
    this.isSlow = true;
    this.#connection?.pause();
  }

  readAgain(): void {
    this.#connection?.resume();
  }

  leave(): void {
    this.#isLeaving = true;
    if (this.where === 'in') this.#connection?.quit();
    else this.#connection?.destroy();
  }

  came(): void {
    this.#options.events.came();
  }

  message(bytes: Buffer, start: number, end: number, id: number): void {
    this.#options.events.message(this, bytes, start, end, id);
  }

  acknowledged(number: number, id: number): void {
    const saying = this.#unanswered.get(number);
    if (saying === undefined) {
      this.unasked(0);
      return;
    }
    this.#unanswered.delete(number);
    this.#options.events.acknowledged(this, saying, id);
  }

  refused(number: number, code: string): void {
    if (number === UNMATCHED) this.#options.events.failed(`refused: ${code}`);
    const saying = this.#unanswered.get(number);
    if (saying === undefined) return;
    this.#unanswered.delete(number);
    this.#options.events.refused(this, saying, code);
  }

  unasked(bytes: number): void {
    this.#unasked += FRAME_BYTES + bytes;
    if (this.#unasked <= UNASKED_BYTES || this.#isLeaving) return;
    this.#options.events.failed('closed: the server sends without end what nobody asked for');
    this.#isLeaving = true;
    this.#connection?.destroy();
  }

  live(): void {
    this.#live?.();
  }

  closed(reason: string): void {
    const { events, wire } = this.#options;
    const wasIn = this.where === 'in';
    // Who loses its connection again while it is coming back has some of what it missed.
    if (this.#connection !== undefined && (wasIn || this.#past !== undefined)) {
      const { token = this.#past?.token, lastId } = this.#connection.past();
      this.#past = { token, lastId: Math.max(lastId, this.#past?.lastId ?? 0) };
    }
    this.#connection = undefined;
    this.#live?.();
    this.where = 'outside';
    this.liveSince = Number.POSITIVE_INFINITY;
    if (reason !== '') events.failed(`closed: ${reason}`);
    if (this.#options.keys === undefined) this.#giveUp();
    const cut = this.#cut;
    this.#cut = undefined;
    if (this.#isLeaving) {
      this.where = 'gone';
      return;
    }
    if (!wire.resumes || this.#past?.token === undefined) {
      if (!wasIn) return;
      this.where = 'gone';
      this.isAway = false;
    } else if (cut !== undefined) cut();
    else void this.#comeBack(now());
  }

  async #comeBack(since: number): Promise<void> {
    if (this.#isComingBack) return;
    this.#isComingBack = true;
    while (this.where === 'outside' && !this.#isLeaving) {
      if (this.#failures > 0) {
        const wait = Math.min(LONGEST_BACK_OFF_MS, BACK_OFF_MS * 2 ** this.#failures);
        await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random() / 2)));
      }
      this.#failures += 1;
      await this.comeIn(since);
    }
    this.#isComingBack = false;
  }

  #giveUp(): void {
    for (const saying of this.#unanswered.values()) this.#options.events.unanswered(saying);
    this.#unanswered.clear();
  }

  #sayAgain(): void {
    const sayings = [...this.#unanswered.values()];
    this.#unanswered.clear();
    for (const saying of sayings) {
      saying.isRepeat = true;
      this.#options.events.saidAgain(saying);
      this.say(saying);
    }
  }
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
