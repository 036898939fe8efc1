/** A closed loop: each conversation keeps a fixed number of messages in flight and sends the next one when one has arrived. */

import { type Conversation, type Population, threadOf } from '../scenario/population.ts';
import { now } from './clock.ts';
import type { Send, SendSchedule, Writer } from './send-schedule.ts';

/** The state of one conversation. */
interface Flow {
  readonly writers: readonly Writer[];
  /** By writer index: the user whose receipt of the writer's message counts as its arrival, or −1 if there is none. */
  readonly witnesses: Int32Array;
  nextWriter: number;
  inFlight: number;
  /** When the conversation was last restarted, in microseconds. Messages sent before that no longer count as in flight. */
  restartedAt: number;
  arrivals: number;
  /** `arrivals` at the last tick, and the number of ticks since it last changed. */
  lastArrivals: number;
  idleTicks: number;
}

/** After this many ticks without an arrival, messages in flight count as lost and the conversation is restarted. */
const STALLED_TICKS = 5;

export class ClosedLoop implements SendSchedule {
  readonly #window: number;
  readonly #send: Send;
  /** By conversation; undefined for those that another thread drives. */
  readonly #flows: (Flow | undefined)[] = [];
  readonly #byWriter = new Map<number, Flow>();
  #isOn = false;

  constructor(
    window: number,
    population: Population,
    writersHere: readonly (readonly Writer[])[],
    threads: number,
    send: Send,
  ) {
    this.#window = window;
    this.#send = send;
    for (const conversation of population.conversations) {
      const { index, members, writers } = conversation;
      const mine = writersHere[index] ?? [];
      const [one] = mine;
      const thread = driverOf(conversation, threads, population.slow);
      if (one === undefined || thread !== threadOf(one.user, threads)) continue;
      const here = members.filter((user) => threadOf(user, threads) === thread && !population.slow.has(user));
      const witnesses = new Int32Array(writers).fill(-1);
      for (const { index, user } of mine) {
        const witness = here.find((other) => other !== user);
        if (witness !== undefined) witnesses[index] = witness;
      }
      const observed = mine.filter(({ index }) => witnesses[index] !== -1);
      const counters = {
        nextWriter: 0,
        inFlight: 0,
        restartedAt: 0,
        arrivals: 0,
        lastArrivals: 0,
        idleTicks: 0,
      };
      const flow: Flow = { writers: observed, witnesses, ...counters };
      this.#flows[index] = flow;
      for (const { id } of observed) this.#byWriter.set(id, flow);
    }
  }

  start(rate: number): void {
    this.#isOn = rate > 0;
    for (const flow of this.#flows) if (flow !== undefined) this.#fill(flow);
  }

  stop(): void {
    this.#isOn = false;
  }

  arrived({ index }: Conversation, reader: number, writerIndex: number, due: number): void {
    const flow = this.#flows[index];
    if (flow?.witnesses[writerIndex] === reader) this.#ended(flow, due);
  }

  refused(writerId: number, due: number): void {
    const flow = this.#byWriter.get(writerId);
    if (flow !== undefined) this.#ended(flow, due);
  }

  #ended(flow: Flow, due: number): void {
    flow.arrivals += 1;
    if (due < flow.restartedAt) return;
    flow.inFlight -= 1;
    this.#fill(flow);
  }

  tick(): void {
    for (const flow of this.#flows) {
      if (flow === undefined) continue;
      flow.idleTicks = flow.lastArrivals === flow.arrivals ? flow.idleTicks + 1 : 0;
      flow.lastArrivals = flow.arrivals;
      if (flow.idleTicks < STALLED_TICKS) continue;
      flow.idleTicks = 0;
      flow.inFlight = 0;
      // Rounded down, because messages carry their due time in whole microseconds.
      flow.restartedAt = Math.floor(now());
      this.#fill(flow);
    }
  }

  #fill(flow: Flow): void {
    for (let tries = flow.writers.length; this.#isOn && flow.inFlight < this.#window && tries > 0; ) {
      const writer = flow.writers[flow.nextWriter % flow.writers.length];
      flow.nextWriter += 1;
      if (writer !== undefined && this.#send(writer, now())) flow.inFlight += 1;
      else tries -= 1;
    }
  }
}

/**
 * The thread that drives a conversation: it has a writer of the conversation, and another user who sees the writer's messages
 * arrive. Undefined if there is no such thread.
 */
function driverOf(
  { members, writers }: Conversation,
  threads: number,
  slow: ReadonlySet<number>,
): number | undefined {
  const first = members.slice(0, writers).find((user) => {
    const thread = threadOf(user, threads);
    return members.some((other) => other !== user && threadOf(other, threads) === thread && !slow.has(other));
  });
  return first === undefined ? undefined : threadOf(first, threads);
}
