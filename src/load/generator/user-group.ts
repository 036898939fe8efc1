/**
 * The users of one thread: connects them, has them send what is due, checks what arrives, and cuts connections as the scenario
 * demands.
 */

import { timerDelay, within } from '../../common/deadline.ts';
import { rampUp } from '../run/ramp-up.ts';
import { accountName } from '../scenario/account.ts';
import { makePopulation, type Population, roomsOf, threadOf } from '../scenario/population.ts';
import { below, type Random, startRandom } from '../scenario/random.ts';
import { visitorAccounts, whyAccounts } from '../scenario/scenario.ts';
import type { Credentials, Endpoint, Wire } from '../wires/client-wire.ts';
import { now } from './clock.ts';
import { Counts } from './counts.ts';
import { type ArrivalCounts, DeliveryCheck, type Findings, type SendRecord } from './delivery-check.ts';
import type { GroupPlan } from './group-plan.ts';
import { Latencies } from './latencies.ts';
import { LoginVisitors } from './login-visitors.ts';
import { StampCodec } from './message-stamp.ts';
import { makeSendSchedule, type SendSchedule, type Writer } from './send-schedule.ts';
import { sourceAddresses } from './source-addresses.ts';
import { type PendingSend, User, type UserEvents } from './user.ts';

/** A message sent later than this after it was due counts as late. */
const LATE_US = 10_000;
/** Most unanswered messages of one user. While there are as many, messages that become due are dropped and counted. */
const UNANSWERED_LIMIT = 2_000;
/** Keeps the random numbers of lost connections apart from others of the same seed. */
const CHURN_STREAM = 200;

export class UserGroup implements UserEvents {
  readonly latencies = new Latencies();
  readonly counts = new Counts();
  readonly deliveryCheck: DeliveryCheck;
  readonly #plan: GroupPlan;
  readonly #wire: Wire;
  readonly #population: Population;
  readonly #stamps: StampCodec;
  readonly #schedule: SendSchedule;
  readonly #users: User[];
  readonly #byIndex = new Map<number, User>();
  readonly #visitors: LoginVisitors;
  readonly #random: Random;
  readonly #sourceOf: (number: number) => string | undefined;
  /** The time of the last read, which counts as the arrival time of every message in it. */
  #readAt = 0;
  /** Whether messages have keys, so that unanswered ones can be sent again. */
  readonly #hasKeys: boolean;
  readonly #isOpen: boolean;
  #churnTimer: NodeJS.Timeout | undefined;
  #isLeaving = false;

  constructor(plan: GroupPlan, wire: Wire) {
    const { scenario, seed, tag, thread, threads } = plan;
    this.#plan = plan;
    this.#isOpen = scenario.talk?.loop !== 'closed';
    this.#wire = wire;
    this.#population = makePopulation(scenario, seed, tag);
    this.#stamps = new StampCodec(tag, scenario.textBytes);
    const isMine = (user: number): boolean => threadOf(user, threads) === thread;
    this.deliveryCheck = new DeliveryCheck(this.#population, isMine, plan.sentCounts, wire.hasOrder);
    const nameOf = (user: number): string => this.#credentialsOf(user).name;
    this.#schedule = makeSendSchedule(
      scenario,
      this.#population,
      seed,
      thread,
      threads,
      nameOf,
      (writer, due) => this.#send(writer, due),
    );
    this.#hasKeys = wire.resumes && plan.password !== undefined && whyAccounts(scenario) !== undefined;
    this.#random = startRandom(seed, CHURN_STREAM + thread);
    this.#sourceOf = sourceAddresses(plan.endpoint.host);
    const rooms = roomsOf(this.#population);
    const everybody = Array.from({ length: scenario.users + scenario.idle }, (_, user) => user).filter(
      isMine,
    );
    this.#users = everybody.map((index) => this.#makeUser(index, rooms.get(index) ?? []));
    for (const user of this.#users) this.#byIndex.set(user.index, user);
    this.#visitors = new LoginVisitors({
      wire,
      perSecond: scenario.visitorsPerSecond / threads,
      latencies: this.latencies,
      counts: this.counts,
      credentials: (number) => {
        const other = (number * threads + thread) % Math.max(1, visitorAccounts(scenario));
        return this.#credentialsOf(scenario.users + scenario.idle + other);
      },
      endpoint: (number) => this.#endpointOf(number),
    });
  }

  get connections(): number {
    return this.#users.reduce((sum, user) => sum + (user.isOnline ? 1 : 0), 0) + this.#visitors.connected;
  }

  get isComplete(): boolean {
    return this.#users.every((user) => user.isOnline);
  }

  /**
   * Connects all users, evenly over `seconds` or as fast as the server can. `deadlineMs`: how much longer this may take. Resolves
   * to true if all users are online.
   */
  async rampUp(seconds: number, deadlineMs: number): Promise<boolean> {
    const ramp = rampUp(this.#users, seconds, (lateMs) => this.#isLeaving || lateMs > deadlineMs);
    // A login that is still unanswered by then is not waited for.
    await within(ramp, seconds * 1_000 + deadlineMs, undefined);
    return this.isComplete;
  }

  /** Starts a phase. */
  startPhase(rate: number, isMeasured: boolean): void {
    const { scenario, threads } = this.#plan;
    this.#schedule.start(rate);
    clearInterval(this.#churnTimer);
    if (scenario.churnPerSecond > 0 && isMeasured) {
      this.#churnTimer = setInterval(
        () => this.#cutOne(),
        timerDelay((1_000 * threads) / scenario.churnPerSecond),
      );
    }
    if (isMeasured) {
      this.#visitors.start();
      for (const user of this.#slow()) if (!user.isSlow) user.stopReading();
    }
  }

  /** Cuts a part of all connections at once. */
  storm(): void {
    for (const user of this.#users)
      if (user.isOnline && this.#random() < this.#plan.scenario.stormShare) user.cut(0);
  }

  /** Stops sending and cutting connections, and lets slow users read again. */
  stopSending(): void {
    this.#schedule.stop();
    clearInterval(this.#churnTimer);
    this.#visitors.stop();
    for (const user of this.#slow()) user.resumeReading();
  }

  /** True if all users have lost their connections, and none of them on purpose. */
  get isDeserted(): boolean {
    return this.#users.every((user) => !user.isOnline && !user.isAway);
  }

  /** True if no answer is outstanding, and all users that can reconnect are online. */
  get isQuiet(): boolean {
    if (this.#users.length > 0 && this.isDeserted) return false;
    return this.#users.every(
      (user) => user.state === 'gone' || (user.isOnline && user.unansweredCount === 0),
    );
  }

  tick(): void {
    this.#schedule.tick();
  }

  leave(): void {
    this.#isLeaving = true;
    for (const user of this.#users) user.leave();
  }

  readStarted(): void {
    this.#readAt = now();
  }

  message(user: User, bytes: Buffer, start: number, end: number, id: number): void {
    if (!this.#stamps.read(bytes, start, end)) {
      user.unexpected(end - start);
      return;
    }
    const stamp = this.#stamps.last;
    const arrival = this.deliveryCheck.arrived(user.reader, stamp, id);
    if (arrival === 'repeated' || arrival === 'foreign') user.unexpected(end - start);
    if (arrival !== 'new' && arrival !== 'late') return;
    this.counts.now.delivered += 1;
    const conversation = this.#population.conversations[stamp.conversation];
    if (conversation === undefined) return;
    const { due, writer, counter } = stamp;
    const isResent =
      this.#hasKeys && counter < Atomics.load(this.#plan.resentBelow, conversation.firstWriterId + writer);
    // Such delays say nothing about the server.
    const isClientDelay = due < user.liveSince || user.isSlow || isResent;
    if (!isClientDelay) this.latencies.record('deliver', this.#readAt - due);
    this.#schedule.arrived(conversation, user.index, writer, due);
  }

  acknowledged({ isSlow, reader }: User, { writer, counter, due, isRepeat }: PendingSend, id: number): void {
    this.counts.now.acknowledged += 1;
    this.deliveryCheck.acknowledged(reader, writer.id, counter, id, isRepeat);
    // A user that does not read does not see its answers in time either.
    if (!isRepeat && !isSlow) this.latencies.record('acknowledge', this.#readAt - due);
  }

  refused(_user: User, { writer, counter, due }: PendingSend, code: string): void {
    this.counts.now.refused += 1;
    this.counts.failed(`refused: ${code}`);
    this.deliveryCheck.refused(writer.id, counter);
    this.#schedule.refused(writer.id, due);
  }

  unanswered({ writer, counter }: PendingSend): void {
    this.deliveryCheck.unanswered(writer.id, counter);
  }

  resending({ writer, counter }: PendingSend): void {
    // A writer resends in order, so the last counter is the greatest.
    Atomics.store(this.#plan.resentBelow, writer.id, counter + 1);
  }

  textOf({ writer: { conversation, index }, counter, due }: PendingSend): Buffer {
    return this.#stamps.write(conversation.index, index, counter, due);
  }

  failed(reason: string): void {
    this.counts.failed(reason);
  }

  sendRecord(): SendRecord {
    return this.deliveryCheck.sendRecord(
      this.#users.flatMap(({ unanswered }) =>
        [...unanswered].flatMap(({ writer, counter }) => [writer.id, counter]),
      ),
    );
  }

  verify(records: readonly SendRecord[]): Findings & ArrivalCounts {
    const { delivered, repeated, reordered, foreign, unknown } = this.deliveryCheck;
    return {
      ...this.deliveryCheck.verify(records, (user) => this.#byIndex.get(user)?.isOnline === true),
      delivered,
      repeated,
      reordered,
      foreign,
      unknown: unknown + this.#users.reduce((sum, { unansweredCount }) => sum + unansweredCount, 0),
      absent: this.#users.reduce((sum, user) => sum + (user.isOnline ? 0 : 1), 0),
    };
  }

  #send(writer: Writer, due: number): boolean {
    const user = this.#byIndex.get(writer.user);
    const { now: counts } = this.counts;
    counts.due += 1;
    if (user === undefined || !user.isOnline || user.unansweredCount >= UNANSWERED_LIMIT) {
      // In a closed loop nothing is due at a set time, so another writer sends instead.
      if (this.#isOpen) counts.dropped += 1;
      else counts.due -= 1;
      return false;
    }
    const counter = this.deliveryCheck.nextCounter(writer.id);
    // In a closed loop a message is due when it is sent.
    if (this.#isOpen && now() - due > LATE_US) counts.late += 1;
    counts.sent += 1;
    user.send({ writer, counter, due, isRepeat: false });
    return true;
  }

  #cutOne(): void {
    const user = this.#users[below(this.#random, this.#users.length)];
    if (user?.isOnline === true && !user.isSlow) user.cut(this.#plan.scenario.awaySeconds * 1_000);
  }

  #slow(): User[] {
    return this.#users.filter((user) => this.#population.slow.has(user.index));
  }

  #makeUser(index: number, rooms: readonly string[]): User {
    const { tag } = this.#plan;
    return new User({
      index,
      reader: this.deliveryCheck.readerOf(index),
      credentials: this.#credentialsOf(index),
      rooms,
      endpoint: this.#endpointOf(index),
      wire: this.#wire,
      latencies: this.latencies,
      keys: this.#hasKeys ? tag : undefined,
      events: this,
    });
  }

  #credentialsOf(index: number): Credentials {
    const { tag, password } = this.#plan;
    if (password === undefined) return { name: `g${tag}${index.toString(36)}`, password };
    return { name: accountName(index + 1), password };
  }

  #endpointOf(number: number): Endpoint {
    return { ...this.#plan.endpoint, from: this.#sourceOf(number) };
  }
}
