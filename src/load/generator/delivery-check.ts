/**
 * Checks that every message arrived: for each reader and writer, it keeps the number of the message that is due next. It counts
 * messages that arrive twice, out of order or at somebody who is not a member, and at the end those that never arrived.
 *
 * If messages carry ids that put all of them in one order, that order is checked too. Ids must rise for each reader. Each reader
 * keeps one checksum over ids and messages per conversation, and each writer keeps the checksum of the answers to it. If a
 * reader's checksum equals the sum of its writers', the reader knows each message by the id that its writer was told, and so do
 * all readers whose checksums match. Rising ids, and the same id for everybody, mean the same sequence for everybody. A checksum
 * does not depend on the order of its parts, so readers that reconnected and readers on other threads are compared in the same
 * way.
 *
 * A refused message counts as never sent. A message that was unanswered when its connection or the run ended may arrive or not.
 * Likewise, nobody knows what a reader missed that is absent at the end, so only gaps within what it received count as lost.
 */

import type { Conversation, Population } from '../scenario/population.ts';
import type { MessageStamp } from './message-stamp.ts';

export type ArrivalKind = 'new' | 'late' | 'repeated' | 'foreign' | 'ignored';

/** What one thread knows of the messages that its writers sent. Plain data. */
export interface SendRecord {
  /** Refused and unanswered messages, which need not arrive: pairs of writer id and counter. */
  readonly excused: readonly number[];
  /** By writer id: the checksum of the ids that its messages were acknowledged with. */
  readonly checksums: Int32Array;
}

export interface Findings {
  /** Deliveries that arrived or are lost. */
  readonly expected: number;
  readonly lost: number;
  /** Deliveries of messages that nobody sent. */
  readonly invented: number;
  /** Pairs of a reader and a conversation in which messages had other ids than their writers were told. */
  readonly diverged: number;
  readonly examples: readonly string[];
}

/** What the users of one thread received. */
export interface ArrivalCounts {
  readonly delivered: number;
  readonly repeated: number;
  readonly reordered: number;
  readonly foreign: number;
  /** Messages that were sent and never answered. */
  readonly unknown: number;
  /** Users that are not connected at the end. */
  readonly absent: number;
}

/** What one user has received. */
export class Reader {
  readonly user: number;
  /** By conversation. */
  readonly progress = new Map<number, Progress>();
  /** The largest id so far. */
  lastId = 0;
  /** The result of the last lookup, which is mostly that of the next one, too. */
  #recent: Progress | undefined;

  constructor(user: number) {
    this.user = user;
  }

  progressIn(conversation: number): Progress | undefined {
    if (this.#recent?.conversation.index !== conversation) this.#recent = this.progress.get(conversation);
    return this.#recent;
  }
}

/** What one reader has received in one conversation. */
interface Progress {
  readonly conversation: Conversation;
  /** The reader's own index among the writers; −1 if it only reads. */
  readonly ownIndex: number;
  /**
   * The counters that are due next, for all readers of the conversation on this thread: first those of the first writer, then
   * those of the second, and so on. So the cells that one message updates for successive readers are adjacent. When each was in a
   * cache line of its own, this was the most expensive part of a delivery in a room of 1,000.
   */
  readonly next: Int32Array;
  /** The reader's column in `next`, and the number of columns. */
  readonly column: number;
  readonly columns: number;
  /** By writer index: counters below `next` that have not arrived. */
  gaps: Map<number, Set<number>> | undefined;
  /** The checksum of everything that has arrived. */
  checksum: number;
}

const EXAMPLES = 10;

export class DeliveryCheck {
  readonly #population: Population;
  readonly #hasOrder: boolean;
  /** By writer id: how many messages it has sent. Shared by all threads. */
  readonly #sentCounts: Int32Array;
  readonly #checksums: Int32Array;
  readonly #excused: number[] = [];
  readonly #readers = new Map<number, Reader>();
  readonly examples: string[] = [];
  delivered = 0;
  repeated = 0;
  reordered = 0;
  foreign = 0;
  unknown = 0;

  /**
   * `isReader`: whether a user belongs to this thread. `sentCounts`: one array for all threads, by writer id. `hasOrder`: whether
   * messages carry ids that put all of them in one order.
   */
  constructor(
    population: Population,
    isReader: (user: number) => boolean,
    sentCounts: Int32Array,
    hasOrder: boolean,
  ) {
    this.#population = population;
    this.#hasOrder = hasOrder;
    this.#sentCounts = sentCounts;
    this.#checksums = new Int32Array(population.writerCount);
    for (const conversation of population.conversations) {
      const { members, writers, index } = conversation;
      const here = members.filter(isReader);
      const columns = here.length;
      const next = new Int32Array(writers * columns);
      const writerIndexOf = new Map(members.slice(0, writers).map((user, writer) => [user, writer]));
      for (const [column, user] of here.entries()) {
        const ownIndex = writerIndexOf.get(user) ?? -1;
        const progress = { conversation, ownIndex, next, column, columns, gaps: undefined, checksum: 0 };
        this.readerOf(user).progress.set(index, progress);
      }
    }
  }

  readerOf(user: number): Reader {
    const reader = this.#readers.get(user) ?? new Reader(user);
    this.#readers.set(user, reader);
    return reader;
  }

  /** Assigns the counter of a writer's next message. */
  nextCounter(writerId: number): number {
    const counter = this.#sentCounts[writerId] ?? 0;
    this.#sentCounts[writerId] = counter + 1;
    return counter;
  }

  refused(writerId: number, counter: number): void {
    this.#excused.push(writerId, counter);
  }

  /** The sender lost its connection before the answer, and will not send the message again. */
  unanswered(writerId: number, counter: number): void {
    this.unknown += 1;
    this.#excused.push(writerId, counter);
  }

  /**
   * `author` was told that its message is stored. `isRepeat`: it was sent again, so the answer has the id of the first attempt.
   */
  acknowledged(author: Reader, writerId: number, counter: number, id: number, isRepeat: boolean): void {
    if (!this.#hasOrder) return;
    this.#checksums[writerId] = (this.#checksums[writerId] ?? 0) + hashOf(id, writerId, counter);
    if (isRepeat) return;
    if (id <= author.lastId) {
      this.reordered += 1;
      this.#addExample(
        `user ${author.user} was given id ${id} for a message after it had seen id ${author.lastId}`,
      );
    } else author.lastId = id;
  }

  arrived(reader: Reader, stamp: MessageStamp, id: number): ArrivalKind {
    const { conversation, writer, counter } = stamp;
    const progress = reader.progressIn(conversation);
    if (progress === undefined || writer >= progress.conversation.writers)
      return this.#countForeign(reader.user, stamp);
    const cell = writer * progress.columns + progress.column;
    const next = progress.next[cell] ?? 0;
    const writerId = progress.conversation.firstWriterId + writer;
    // A server that invents counters must not make the set of gaps grow without limit.
    if (counter > next && counter >= (this.#sentCounts[writerId] ?? 0))
      return this.#countForeign(reader.user, stamp);
    const isInOrder = !this.#hasOrder || id > reader.lastId;
    if (this.#hasOrder && isInOrder) reader.lastId = id;
    // A user that reconnects is also sent its own messages.
    if (writer === progress.ownIndex) return 'ignored';
    if (counter < next && progress.gaps?.get(writer)?.delete(counter) !== true) {
      return this.#countRepeated(reader.user, stamp);
    }
    this.delivered += 1;
    if (this.#hasOrder) progress.checksum = (progress.checksum + hashOf(id, writerId, counter)) | 0;
    if (counter > next) addGap(progress, writer, next, counter);
    if (counter >= next) progress.next[cell] = counter + 1;
    if (counter >= next && isInOrder) return 'new';
    this.reordered += 1;
    this.#addArrivalExample('out of order', reader.user, stamp);
    return 'late';
  }

  /** `pending`: the messages that have no answer at the moment, in the form of `excused`. */
  sendRecord(pending: readonly number[] = []): SendRecord {
    return { excused: [...this.#excused, ...pending], checksums: this.#checksums };
  }

  /** Compares what arrived here with what all threads sent. `isOnline`: whether a user is connected at the end. */
  verify(records: readonly SendRecord[], isOnline: (user: number) => boolean): Findings {
    const checksums = new Int32Array(this.#population.writerCount);
    const excused = new Map<number, Set<number>>();
    for (const record of records) {
      for (const [writerId, sum] of record.checksums.entries())
        checksums[writerId] = (checksums[writerId] ?? 0) + sum;
      for (let i = 0; i < record.excused.length; i += 2) {
        const [writerId = 0, counter = 0] = record.excused.slice(i, i + 2);
        excused.set(writerId, (excused.get(writerId) ?? new Set()).add(counter));
      }
    }
    const findings = { expected: 0, lost: 0, invented: 0, diverged: 0, examples: [...this.examples] };
    for (const { user, progress: all } of this.#readers.values()) {
      for (const progress of all.values()) {
        const isHere = isOnline(user);
        const isComparable = verifyProgress(user, progress, this.#sentCounts, isHere, excused, findings);
        if (!this.#hasOrder || !isHere || !isComparable) continue;
        if (progress.checksum === expectedChecksum(progress, checksums)) continue;
        findings.diverged += 1;
        if (findings.examples.length < EXAMPLES) {
          findings.examples.push(
            `user ${user} received messages of conversation ${progress.conversation.index} with other ids than their writers were told`,
          );
        }
      }
    }
    return findings;
  }

  #countRepeated(user: number, stamp: MessageStamp): ArrivalKind {
    this.repeated += 1;
    this.#addArrivalExample('again', user, stamp);
    return 'repeated';
  }

  #countForeign(user: number, stamp: MessageStamp): ArrivalKind {
    this.foreign += 1;
    this.#addArrivalExample('although it is not a member', user, stamp);
    return 'foreign';
  }

  #addArrivalExample(what: string, user: number, { conversation, writer, counter }: MessageStamp): void {
    this.#addExample(
      `user ${user} received message ${counter} of writer ${writer} in conversation ${conversation} ${what}`,
    );
  }

  #addExample(text: string): void {
    if (this.examples.length < EXAMPLES) this.examples.push(text);
  }
}

/** What a message adds to a checksum: 32 well-mixed bits. */
function hashOf(id: number, writerId: number, counter: number): number {
  let mixed =
    Math.imul(id | 0, 0x9e3779b1) ^ Math.imul(writerId + 1, 0x85ebca6b) ^ Math.imul(counter + 1, 0xc2b2ae35);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return mixed ^ (mixed >>> 15);
}

/** The checksum of a reader that has all messages of the other writers. */
function expectedChecksum({ conversation, ownIndex }: Progress, checksums: Int32Array): number {
  const { firstWriterId, writers } = conversation;
  let sum = 0;
  for (let writer = 0; writer < writers; writer += 1) {
    if (writer !== ownIndex) sum = (sum + (checksums[firstWriterId + writer] ?? 0)) | 0;
  }
  return sum;
}

function addGap(progress: Progress, writer: number, from: number, to: number): void {
  progress.gaps ??= new Map();
  const gap = progress.gaps.get(writer) ?? new Set<number>();
  progress.gaps.set(writer, gap);
  for (let missing = from; missing < to; missing += 1) gap.add(missing);
}

/**
 * Adds one reader's conversation to `findings`. Returns true if the reader has exactly the acknowledged messages, because only
 * then can its checksum be compared.
 */
function verifyProgress(
  user: number,
  { conversation, ownIndex, next, column, columns, gaps }: Progress,
  sentCounts: Int32Array,
  isOnline: boolean,
  excused: ReadonlyMap<number, ReadonlySet<number>>,
  findings: { expected: number; lost: number; invented: number; examples: string[] },
): boolean {
  let isComparable = true;
  for (let writer = 0; writer < conversation.writers; writer += 1) {
    if (writer === ownIndex) continue;
    const due = next[writer * columns + column] ?? 0;
    const writerId = conversation.firstWriterId + writer;
    const sent = sentCounts[writerId] ?? 0;
    const end = isOnline ? sent : due;
    const gap = gaps?.get(writer);
    const exempt = excused.get(writerId);
    const invented = Math.max(0, due - sent);
    findings.invented += invented;
    findings.expected += due - invented - (gap?.size ?? 0);
    if (exempt !== undefined && [...exempt].some((counter) => counter < due && gap?.has(counter) !== true)) {
      isComparable = false;
    }
    if (due >= end && gap === undefined) continue;
    const missing = [...(gap ?? [])];
    for (let counter = due; counter < end; counter += 1) missing.push(counter);
    const lost = missing.filter((counter) => exempt?.has(counter) !== true);
    if (lost.length === 0) continue;
    isComparable = false;
    findings.expected += lost.length;
    findings.lost += lost.length;
    if (findings.examples.length < EXAMPLES) {
      const from = `of writer ${writer} in conversation ${conversation.index}`;
      findings.examples.push(
        lost.length === 1
          ? `user ${user} did not receive message ${lost[0]} ${from}`
          : `user ${user} did not receive ${lost.length} messages ${from}, starting with message ${lost[0]}`,
      );
    }
  }
  return isComparable;
}
