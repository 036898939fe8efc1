/**
 * Whether everything that was said has arrived: for each reader, of each writer, which number is due next. Counts what came twice,
 * out of order, or to somebody who is no member; and at the end what never came.
 *
 * Where messages carry ids that put all of them in one order, that order is checked, too. Ids have to rise for each reader. For
 * each reader and conversation a sum is kept over ids and messages, and for each writer the sum that the answers to it make: when
 * the two agree, this reader knows each message by the id that its writer was told, and so do all readers whose sums agree. Rising ids
 * and the same id for all mean the same sequence for all. A sum does not depend on when its parts came, so readers that come back
 * and readers on other threads are compared alike.
 *
 * What was refused was never said. Of what was unanswered when a connection or the run ended nobody knows: it may arrive or not.
 * Nor does anybody know what a reader missed who is away at the end: what counts is that nothing is missing among what it got.
 */

import type { Cast, Conversation } from '../scenario/population.ts';
import type { Stamp } from './message-stamp.ts';

export type Arrival = 'new' | 'late' | 'repeated' | 'foreign' | 'ignored';

/** What became of what one thread's users have said. Voices are numbered over all conversations. */
export interface Said {
  /** Refused or unknown: neither has to arrive. Pairs of voice and number. */
  readonly excused: readonly number[];
  /** By voice: of the ids that its messages were acknowledged with. */
  readonly sums: Int32Array;
}

export interface Settled {
  /** What came, and what is lost. */
  readonly expected: number;
  readonly lost: number;
  /** What came, and was never said. */
  readonly invented: number;
  /** Conversations of readers in which messages carried other ids than their writers were told. */
  readonly diverged: number;
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

/** What one user has got. */
export class Reader {
  readonly user: number;
  /** By conversation. */
  readonly rows = new Map<number, Row>();
  /** The largest id so far. */
  lastId = 0;
  /** The one that was looked up last: mostly the one that comes next. */
  #recent: Row | undefined;

  constructor(user: number) {
    this.user = user;
  }

  rowOf(conversation: number): Row | undefined {
    if (this.#recent?.conversation.index !== conversation) this.#recent = this.rows.get(conversation);
    return this.#recent;
  }
}

/** What one reader has of one conversation. */
interface Row {
  readonly conversation: Conversation;
  /** Its number among the writers; −1 if it only reads. */
  readonly self: number;
  /**
   * Which number is due next, of all readers of the conversation that are on this thread: all of the first writer, then all of the second,
   * and so on. What a message brings to one reader after the other so lies side by side, and not a cache line apart: in a room of 1,000 that
   * was the most expensive part of a delivery.
   */
  readonly next: Int32Array;
  /** Of this reader among those, and how many they are. */
  readonly place: number;
  readonly readers: number;
  /** Numbers below `next` that have not come, by writer. */
  gaps: Map<number, Set<number>> | undefined;
  /** Over what has come. */
  sum: number;
}

const EXAMPLES = 10;

export class Tally {
  readonly #cast: Cast;
  readonly #hasOrder: boolean;
  /** How many messages each voice has said, shared by all threads. */
  readonly #counts: Int32Array;
  readonly #sums: Int32Array;
  readonly #excused: number[] = [];
  readonly #readers = new Map<number, Reader>();
  readonly examples: string[] = [];
  delivered = 0;
  repeated = 0;
  reordered = 0;
  foreign = 0;
  unknown = 0;

  /**
   * `isReader`: of the users of this thread. `counts`: for each voice, one array for all threads. `hasOrder`: whether messages carry ids that
   * put all of them in one order.
   */
  constructor(cast: Cast, isReader: (user: number) => boolean, counts: Int32Array, hasOrder: boolean) {
    this.#cast = cast;
    this.#hasOrder = hasOrder;
    this.#counts = counts;
    this.#sums = new Int32Array(cast.voices);
    for (const conversation of cast.conversations) {
      const { members, writers, index } = conversation;
      const here = members.filter(isReader);
      const next = new Int32Array(writers * here.length);
      const writerOf = new Map(members.slice(0, writers).map((user, writer) => [user, writer]));
      for (const [place, user] of here.entries()) {
        const self = writerOf.get(user) ?? -1;
        const row = { conversation, self, next, place, readers: here.length, gaps: undefined, sum: 0 };
        this.readerOf(user).rows.set(index, row);
      }
    }
  }

  readerOf(user: number): Reader {
    const reader = this.#readers.get(user) ?? new Reader(user);
    this.#readers.set(user, reader);
    return reader;
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

  /** A writer was told that its message is stored. `isRepeat`: it was said again, and is answered with its first id. */
  acknowledged(writer: Reader, voice: number, counter: number, id: number, isRepeat: boolean): void {
    if (!this.#hasOrder) return;
    this.#sums[voice] = (this.#sums[voice] ?? 0) + mark(id, voice, counter);
    if (isRepeat) return;
    if (id <= writer.lastId) {
      this.reordered += 1;
      this.#exemplify(`user ${writer.user} was told the id ${id} of a message behind ${writer.lastId}`);
    } else writer.lastId = id;
  }

  arrived(reader: Reader, stamp: Stamp, id: number): Arrival {
    const { conversation, writer, counter } = stamp;
    const row = reader.rowOf(conversation);
    if (row === undefined || writer >= row.conversation.writers) return this.#foreign(reader.user, stamp);
    const cell = writer * row.readers + row.place;
    const next = row.next[cell] ?? 0;
    const voice = row.conversation.firstVoice + writer;
    // Whoever sends numbers that were never given must not make the gaps grow without end.
    if (counter > next && counter >= (this.#counts[voice] ?? 0)) return this.#foreign(reader.user, stamp);
    const isInOrder = !this.#hasOrder || id > reader.lastId;
    if (this.#hasOrder && isInOrder) reader.lastId = id;
    // Who comes back gets its own messages, too.
    if (writer === row.self) return 'ignored';
    if (counter < next && row.gaps?.get(writer)?.delete(counter) !== true) {
      return this.#repeated(reader.user, stamp);
    }
    this.delivered += 1;
    if (this.#hasOrder) row.sum = (row.sum + mark(id, voice, counter)) | 0;
    if (counter > next) skip(row, writer, next, counter);
    if (counter >= next) row.next[cell] = counter + 1;
    if (counter >= next && isInOrder) return 'new';
    this.reordered += 1;
    this.#example('out of order', reader.user, stamp);
    return 'late';
  }

  /** `waiting`: what is without an answer at the moment, as in `excused`. */
  said(waiting: readonly number[] = []): Said {
    return { excused: [...this.#excused, ...waiting], sums: this.#sums };
  }

  /** What has not come of all that was said, on all threads, to those who are there. */
  settle(all: readonly Said[], isThere: (user: number) => boolean): Settled {
    const sums = new Int32Array(this.#cast.voices);
    const excused = new Map<number, Set<number>>();
    for (const said of all) {
      for (const [voice, sum] of said.sums.entries()) sums[voice] = (sums[voice] ?? 0) + sum;
      for (let i = 0; i < said.excused.length; i += 2) {
        const [voice = 0, counter = 0] = said.excused.slice(i, i + 2);
        excused.set(voice, (excused.get(voice) ?? new Set()).add(counter));
      }
    }
    const settled = { expected: 0, lost: 0, invented: 0, diverged: 0, examples: [...this.examples] };
    for (const { user, rows } of this.#readers.values()) {
      for (const row of rows.values()) {
        const isHere = isThere(user);
        const hasSame = settleRow(user, row, this.#counts, isHere, excused, settled);
        if (!this.#hasOrder || !isHere || !hasSame || row.sum === sumOf(row, sums)) continue;
        settled.diverged += 1;
        if (settled.examples.length < EXAMPLES) {
          settled.examples.push(
            `user ${user} got messages of conversation ${row.conversation.index} under other ids than their writers were told`,
          );
        }
      }
    }
    return settled;
  }

  #repeated(user: number, stamp: Stamp): Arrival {
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
    this.#exemplify(
      `user ${user} got message ${counter} of writer ${writer} in conversation ${conversation} ${what}`,
    );
  }

  #exemplify(text: string): void {
    if (this.examples.length < EXAMPLES) this.examples.push(text);
  }
}

/** What a message adds to the sums: a number of 32 bits that looks drawn by chance. */
function mark(id: number, voice: number, counter: number): number {
  let mixed =
    Math.imul(id | 0, 0x9e3779b1) ^ Math.imul(voice + 1, 0x85ebca6b) ^ Math.imul(counter + 1, 0xc2b2ae35);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return mixed ^ (mixed >>> 15);
}

/** What a reader's sum is if it has all messages of the others. */
function sumOf({ conversation: { firstVoice, writers }, self }: Row, sums: Int32Array): number {
  let sum = 0;
  for (let writer = 0; writer < writers; writer += 1) {
    if (writer !== self) sum = (sum + (sums[firstVoice + writer] ?? 0)) | 0;
  }
  return sum;
}

function skip(row: Row, writer: number, from: number, to: number): void {
  row.gaps ??= new Map();
  const gap = row.gaps.get(writer) ?? new Set<number>();
  row.gaps.set(writer, gap);
  for (let missing = from; missing < to; missing += 1) gap.add(missing);
}

/**
 * `counts`: how much was said, by voice. `isHere`: the reader was there to the end. True if it has what was acknowledged, all of that and
 * nothing else, which alone can be compared.
 */
function settleRow(
  user: number,
  { conversation, self, next, place, readers, gaps }: Row,
  counts: Int32Array,
  isHere: boolean,
  excused: ReadonlyMap<number, ReadonlySet<number>>,
  settled: { expected: number; lost: number; invented: number; examples: string[] },
): boolean {
  let hasSame = true;
  for (let writer = 0; writer < conversation.writers; writer += 1) {
    if (writer === self) continue;
    const due = next[writer * readers + place] ?? 0;
    const voice = conversation.firstVoice + writer;
    const said = counts[voice] ?? 0;
    const count = isHere ? said : due;
    const gap = gaps?.get(writer);
    const free = excused.get(voice);
    const invented = Math.max(0, due - said);
    settled.invented += invented;
    settled.expected += due - invented - (gap?.size ?? 0);
    if (free !== undefined && [...free].some((counter) => counter < due && gap?.has(counter) !== true)) {
      hasSame = false;
    }
    if (due >= count && gap === undefined) continue;
    const missing = [...(gap ?? [])];
    for (let counter = due; counter < count; counter += 1) missing.push(counter);
    const lost = missing.filter((counter) => free?.has(counter) !== true);
    if (lost.length === 0) continue;
    hasSame = false;
    settled.expected += lost.length;
    settled.lost += lost.length;
    if (settled.examples.length < EXAMPLES) {
      const which = lost.length === 1 ? `message ${lost[0]}` : `${lost.length} messages from ${lost[0]} on`;
      settled.examples.push(
        `user ${user} did not get ${which} of writer ${writer} in conversation ${conversation.index}`,
      );
    }
  }
  return hasSame;
}
