/**
 * The users of one thread: brings them in, has them say what is due, takes what arrives, and lets them come and go as the scenario
 * says.
 */

import { timerDelay, within } from '../../common/deadline.ts';
import { bringIn } from '../run/ramp-up.ts';
import { accountName } from '../scenario/account.ts';
import { type Cast, makeCast, roomsOf, threadOf } from '../scenario/population.ts';
import { below, type Random, startRandom } from '../scenario/random.ts';
import { visitorAccounts, whyAccounts } from '../scenario/scenario.ts';
import type { Endpoint, Visitor, Wire } from '../wires/client-wire.ts';
import { now } from './clock.ts';
import { Counts } from './counts.ts';
import { type Arrived, type Said, type Settled, Tally } from './delivery-check.ts';
import type { CrowdPlan } from './group-plan.ts';
import { Latencies } from './latencies.ts';
import { Visitors } from './login-visitors.ts';
import { Stamps } from './message-stamp.ts';
import { startTalk, type Talk, type Voice } from './send-schedule.ts';
import { sourceAddresses } from './source-addresses.ts';
import { type Saying, User, type UserEvents } from './user.ts';

/** Later than this after it was due, a message counts as late. */
const LATE_US = 10_000;
/** Messages of one user without an answer. Policy: what is due then is dropped, and told. */
const UNANSWERED_LIMIT = 2_000;
const COMINGS = 200;

export class Crowd implements UserEvents {
  readonly latencies = new Latencies();
  readonly counts = new Counts();
  readonly tally: Tally;
  readonly #plan: CrowdPlan;
  readonly #wire: Wire;
  readonly #cast: Cast;
  readonly #stamps: Stamps;
  readonly #talk: Talk;
  readonly #users: User[];
  readonly #byIndex = new Map<number, User>();
  readonly #visitors: Visitors;
  readonly #random: Random;
  readonly #sourceOf: (number: number) => string | undefined;
  /** When the last read was: what it brought has come then, and is counted one by one after that. */
  #readAt = 0;
  /** Whether anything can be said again. */
  readonly #hasKeys: boolean;
  readonly #isOpen: boolean;
  #churning: NodeJS.Timeout | undefined;
  #isLeaving = false;

  constructor(plan: CrowdPlan, wire: Wire) {
    const { scenario, seed, tag, thread, threads } = plan;
    this.#plan = plan;
    this.#isOpen = scenario.talk?.loop !== 'closed';
    this.#wire = wire;
    this.#cast = makeCast(scenario, seed, tag);
    this.#stamps = new Stamps(tag, scenario.textBytes);
    const isMine = (user: number): boolean => threadOf(user, threads) === thread;
    this.tally = new Tally(this.#cast, isMine, plan.said, wire.hasOrder);
    const nameOf = (user: number): string => this.#visitorOf(user).name;
    this.#talk = startTalk(scenario, this.#cast, seed, thread, threads, nameOf, (voice, due) =>
      this.#say(voice, due),
    );
    this.#hasKeys = wire.resumes && plan.password !== undefined && whyAccounts(scenario) !== undefined;
    this.#random = startRandom(seed, COMINGS + thread);
    this.#sourceOf = sourceAddresses(plan.endpoint.host);
    const rooms = roomsOf(this.#cast);
    const everybody = Array.from({ length: scenario.users + scenario.idle }, (_, user) => user).filter(
      isMine,
    );
    this.#users = everybody.map((index) => this.#makeUser(index, rooms.get(index) ?? []));
    for (const user of this.#users) this.#byIndex.set(user.index, user);
    this.#visitors = new Visitors({
      wire,
      perSecond: scenario.visitorsPerSecond / threads,
      latencies: this.latencies,
      counts: this.counts,
      visitor: (number) => {
        const other = (number * threads + thread) % Math.max(1, visitorAccounts(scenario));
        return this.#visitorOf(scenario.users + scenario.idle + other);
      },
      endpoint: (number) => this.#endpointOf(number),
    });
  }

  get connections(): number {
    return this.#users.reduce((sum, user) => sum + (user.isIn ? 1 : 0), 0) + this.#visitors.inside;
  }

  get isComplete(): boolean {
    return this.#users.every((user) => user.isIn);
  }

  /**
   * Brings everybody in, evenly over that time, or as fast as the server can. `deadlineMs`: how much longer it may take. True when
   * all are in.
   */
  async comeIn(seconds: number, deadlineMs: number): Promise<boolean> {
    const coming = bringIn(this.#users, seconds, (lateMs) => this.#isLeaving || lateMs > deadlineMs);
    // Who waits for an answer at that time is not waited for.
    await within(coming, seconds * 1_000 + deadlineMs, undefined);
    return this.isComplete;
  }

  /** A phase begins. */
  begin(rate: number, isMeasured: boolean): void {
    const { scenario, threads } = this.#plan;
    this.#talk.begin(rate);
    clearInterval(this.#churning);
    if (scenario.churnPerSecond > 0 && isMeasured) {
      this.#churning = setInterval(
        () => this.#churn(),
        timerDelay((1_000 * threads) / scenario.churnPerSecond),
      );
    }
    if (isMeasured) {
      this.#visitors.begin();
      for (const user of this.#slow()) if (!user.isSlow) user.stopReading();
    }
  }

  /** A part of the connections is lost, all at once. */
  storm(): void {
    for (const user of this.#users)
      if (user.isIn && this.#random() < this.#plan.scenario.stormShare) user.cut(0);
  }

  /** Nothing more is said, nobody goes, and who read nothing reads again. */
  silence(): void {
    this.#talk.silence();
    clearInterval(this.#churning);
    this.#visitors.end();
    for (const user of this.#slow()) user.readAgain();
  }

  /** True when everybody has lost its connection, and nobody stays away because it was told to. */
  get isDeserted(): boolean {
    return this.#users.every((user) => !user.isIn && !user.isAway);
  }

  /** True when nobody waits for an answer, and everybody who can come back is back. */
  get isQuiet(): boolean {
    if (this.#users.length > 0 && this.isDeserted) return false;
    return this.#users.every((user) => user.where === 'gone' || (user.isIn && user.waiting === 0));
  }

  tick(): void {
    this.#talk.tick();
  }

  leave(): void {
    this.#isLeaving = true;
    for (const user of this.#users) user.leave();
  }

  came(): void {
    this.#readAt = now();
  }

  message(user: User, bytes: Buffer, start: number, end: number, id: number): void {
    if (!this.#stamps.read(bytes, start, end)) {
      user.unasked(end - start);
      return;
    }
    const stamp = this.#stamps.last;
    const arrival = this.tally.arrived(user.reader, stamp, id);
    if (arrival === 'repeated' || arrival === 'foreign') user.unasked(end - start);
    if (arrival !== 'new' && arrival !== 'late') return;
    this.counts.now.delivered += 1;
    const conversation = this.#cast.conversations[stamp.conversation];
    if (conversation === undefined) return;
    const { due, writer, counter } = stamp;
    const isAgain =
      this.#hasKeys && counter < Atomics.load(this.#plan.saidAgain, conversation.firstVoice + writer);
    // Who was away when it was said, or does not read, has it late by its own doing.
    const isOwnDoing = due < user.liveSince || user.isSlow || isAgain;
    if (!isOwnDoing) this.latencies.record('deliver', this.#readAt - due);
    this.#talk.arrived(conversation, user.index, writer, due);
  }

  acknowledged({ isSlow, reader }: User, { voice, counter, due, isRepeat }: Saying, id: number): void {
    this.counts.now.acknowledged += 1;
    this.tally.acknowledged(reader, voice.number, counter, id, isRepeat);
    // Who does not read does not see its answers either.
    if (!isRepeat && !isSlow) this.latencies.record('acknowledge', this.#readAt - due);
  }

  refused(_user: User, { voice, counter, due }: Saying, code: string): void {
    this.counts.now.refused += 1;
    this.counts.failed(`refused: ${code}`);
    this.tally.refused(voice.number, counter);
    this.#talk.refused(voice.number, due);
  }

  unanswered({ voice, counter }: Saying): void {
    this.tally.unanswered(voice.number, counter);
  }

  saidAgain({ voice, counter }: Saying): void {
    // What a voice says again, it says in order.
    Atomics.store(this.#plan.saidAgain, voice.number, counter + 1);
  }

  textOf({ voice: { conversation, writer }, counter, due }: Saying): Buffer {
    return this.#stamps.write(conversation.index, writer, counter, due);
  }

  failed(reason: string): void {
    this.counts.failed(reason);
  }

  said(): Said {
    return this.tally.said(
      this.#users.flatMap(({ unanswered }) =>
        [...unanswered].flatMap(({ voice, counter }) => [voice.number, counter]),
      ),
    );
  }

  settle(all: readonly Said[]): Settled & Arrived {
    const { delivered, repeated, reordered, foreign, unknown } = this.tally;
    return {
      ...this.tally.settle(all, (user) => this.#byIndex.get(user)?.isIn === true),
      delivered,
      repeated,
      reordered,
      foreign,
      unknown: unknown + this.#users.reduce((sum, { waiting }) => sum + waiting, 0),
      absent: this.#users.reduce((sum, user) => sum + (user.isIn ? 0 : 1), 0),
    };
  }

  #say(voice: Voice, due: number): boolean {
    const user = this.#byIndex.get(voice.user);
    const { now: counts } = this.counts;
    counts.due += 1;
    if (user === undefined || !user.isIn || user.waiting >= UNANSWERED_LIMIT) {
      // In a closed loop nothing is due at a set time: another says it.
      if (this.#isOpen) counts.dropped += 1;
      else counts.due -= 1;
      return false;
    }
    const counter = this.tally.take(voice.number);
    // In a closed loop it is due when it is sent.
    if (this.#isOpen && now() - due > LATE_US) counts.late += 1;
    counts.sent += 1;
    user.say({ voice, counter, due, isRepeat: false });
    return true;
  }

  #churn(): void {
    const user = this.#users[below(this.#random, this.#users.length)];
    if (user?.isIn === true && !user.isSlow) user.cut(this.#plan.scenario.awaySeconds * 1_000);
  }

  #slow(): User[] {
    return this.#users.filter((user) => this.#cast.slow.has(user.index));
  }

  #makeUser(index: number, rooms: readonly string[]): User {
    const { tag } = this.#plan;
    return new User({
      index,
      reader: this.tally.readerOf(index),
      visitor: this.#visitorOf(index),
      rooms,
      endpoint: this.#endpointOf(index),
      wire: this.#wire,
      latencies: this.latencies,
      keys: this.#hasKeys ? tag : undefined,
      events: this,
    });
  }

  #visitorOf(index: number): Visitor {
    const { tag, password } = this.#plan;
    if (password === undefined) return { name: `g${tag}${index.toString(36)}`, password };
    return { name: accountName(index + 1), password };
  }

  #endpointOf(number: number): Endpoint {
    return { ...this.#plan.endpoint, from: this.#sourceOf(number) };
  }
}
