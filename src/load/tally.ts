/**
 * Whether everything that was said has arrived: for each reader, of each writer, which number is due next. Counts what came twice,
 * out of order, or to somebody who is no member; and at the end what never came.
 *
 * What was refused was never said. Of what was unanswered when a connection or the run ended nobody knows: it may arrive or not.
 * Nor does anybody know what a reader missed who is away at the end: what counts is that nothing is missing among what it got.
 */

import type { Cast, Conversation } from './cast.ts';
import type { Stamp } from './stamp.ts';

export type Arrival = 'new' | 'late' | 'repeated' | 'foreign' | 'ignored';

/** What one thread's users have said. Voices are numbered over all conversations. */
export interface Said {
  /** How many, by voice. */
  readonly counts: Int32Array;
  /** Refused or unknown: neither has to arrive. Pairs of voice and number. */
  readonly excused: readonly number[];
}

export interface Settled {
  /** What came, and what is lost. */
  readonly expected: number;
  readonly lost: number;
  readonly examples: readonly string[];
}

/** What has arrived at the users of a thread. */
export interface Arrived {
  readonly delivered: number;
  readonly repeated: number;
  readonly reordered: number;
  readonly foreign: number;
  /** Messages that were sent and never answered. */
  readonly unknown: number;
  /** Users that are not connected at the end. */
  readonly absent: number;
}

/** What one reader has of one conversation. */
interface Row {
  readonly conversation: Conversation;
  /** Its number among the writers; −1 if it only reads. */
  readonly self: number;
  /** By writer. */
  readonly next: Int32Array;
  /** Numbers below `next` that have not come, by writer. */
  gaps: Map<number, Set<number>> | undefined;
}

const EXAMPLES = 10;

export class Tally {
  readonly #cast: Cast;
  readonly #counts: Int32Array;
  readonly #excused: number[] = [];
  readonly #rows = new Map<number, Map<number, Row>>();
  readonly examples: string[] = [];
  delivered = 0;
  repeated = 0;
  reordered = 0;
  foreign = 0;
  unknown = 0;

  /** `readers`: those of this thread. */
  constructor(cast: Cast, isReader: (user: number) => boolean) {
    this.#cast = cast;
    this.#counts = new Int32Array(cast.voices);
    for (const conversation of cast.conversations) {
      const { members, writers, index } = conversation;
      for (const [place, user] of members.entries()) {
        if (!isReader(user)) continue;
        const rows = this.#rows.get(user) ?? new Map<number, Row>();
        this.#rows.set(user, rows);
        const self = place < writers ? place : -1;
        rows.set(index, { conversation, self, next: new Int32Array(writers), gaps: undefined });
      }
    }
  }

  /** The number of the next message of a voice. */
  take(voice: number): number {
    const counter = this.#counts[voice] ?? 0;
    this.#counts[voice] = counter + 1;
    return counter;
  }

  /** It was refused. */
  refused(voice: number, counter: number): void {
    this.#excused.push(voice, counter);
  }

  /** Its sender lost the connection before there was an answer, and does not ask again. */
  unanswered(voice: number, counter: number): void {
    this.unknown += 1;
    this.#excused.push(voice, counter);
  }

  arrived(user: number, stamp: Stamp): Arrival {
    const { conversation, writer, counter } = stamp;
    const row = this.#rows.get(user)?.get(conversation);
    const next = row?.next[writer];
    if (row === undefined || next === undefined) return this.#foreign(user, stamp);
    // Who comes back gets its own messages, too.
    if (writer === row.self) return 'ignored';
    if (counter === next) {
      row.next[writer] = counter + 1;
      this.delivered += 1;
      return 'new';
    }
    return counter > next ? this.#skipped(row, writer, next, counter) : this.#below(user, row, stamp);
  }

  /** `waiting`: what is without an answer at the moment, as in `excused`. */
  said(waiting: readonly number[] = []): Said {
    return { counts: this.#counts, excused: [...this.#excused, ...waiting] };
  }

  /** What has not come of all that was said, on all threads, to those who are there. */
  settle(all: readonly Said[], isThere: (user: number) => boolean): Settled {
    const counts = new Int32Array(this.#cast.voices);
    const excused = new Map<number, Set<number>>();
    for (const said of all) {
      for (const [voice, count] of said.counts.entries()) counts[voice] = (counts[voice] ?? 0) + count;
      for (let i = 0; i < said.excused.length; i += 2) {
        const [voice = 0, counter = 0] = said.excused.slice(i, i + 2);
        excused.set(voice, (excused.get(voice) ?? new Set()).add(counter));
      }
    }
    const settled = { expected: 0, lost: 0, examples: [...this.examples] };
    for (const [user, rows] of this.#rows) {
      for (const row of rows.values()) {
        settleRow(user, row, isThere(user) ? counts : undefined, excused, settled);
      }
    }
    return settled;
  }

  #skipped(row: Row, writer: number, next: number, counter: number): Arrival {
    row.gaps ??= new Map();
    const gap = row.gaps.get(writer) ?? new Set<number>();
    row.gaps.set(writer, gap);
    for (let missing = next; missing < counter; missing += 1) gap.add(missing);
    row.next[writer] = counter + 1;
    this.delivered += 1;
    return 'new';
  }

  #below(user: number, row: Row, stamp: Stamp): Arrival {
    if (row.gaps?.get(stamp.writer)?.delete(stamp.counter) === true) {
      this.delivered += 1;
      this.reordered += 1;
      this.#example('out of order', user, stamp);
      return 'late';
    }
    this.repeated += 1;
    this.#example('again', user, stamp);
    return 'repeated';
  }

  #foreign(user: number, stamp: Stamp): Arrival {
    this.foreign += 1;
    this.#example('though it is no member', user, stamp);
    return 'foreign';
  }

  #example(what: string, user: number, { conversation, writer, counter }: Stamp): void {
    if (this.examples.length >= EXAMPLES) return;
    this.examples.push(
      `user ${user} got message ${counter} of writer ${writer} in conversation ${conversation} ${what}`,
    );
  }
}

/** `counts`: how much was said, by voice; undefined if the reader was not there to the end. */
function settleRow(
  user: number,
  { conversation, self, next, gaps }: Row,
  counts: Int32Array | undefined,
  excused: ReadonlyMap<number, ReadonlySet<number>>,
  settled: { expected: number; lost: number; examples: string[] },
): void {
  for (const [writer, due] of next.entries()) {
    if (writer === self) continue;
    const voice = conversation.firstVoice + writer;
    const count = counts?.[voice] ?? due;
    const gap = gaps?.get(writer);
    settled.expected += due - (gap?.size ?? 0);
    if (due >= count && gap === undefined) continue;
    const free = excused.get(voice);
    const missing = [...(gap ?? [])];
    for (let counter = due; counter < count; counter += 1) missing.push(counter);
    const lost = missing.filter((counter) => free?.has(counter) !== true);
    settled.expected += lost.length;
    settled.lost += lost.length;
    if (lost.length > 0 && settled.examples.length < EXAMPLES) {
      const which = lost.length === 1 ? `message ${lost[0]}` : `${lost.length} messages from ${lost[0]} on`;
      settled.examples.push(
        `user ${user} did not get ${which} of writer ${writer} in conversation ${conversation.index}`,
      );
    }
  }
}
