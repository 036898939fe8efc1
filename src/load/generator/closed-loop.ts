/** Conversations that go on as soon as a message has arrived: each keeps as many on their way. */

import { type Cast, type Conversation, threadOf } from '../scenario/population.ts';
import { now } from './clock.ts';
import type { Say, Talk, Voice } from './send-schedule.ts';

/** Of one conversation. */
interface Flow {
  readonly voices: readonly Voice[];
  /** Whose receipt of a writer's message counts as its arrival, by writer; −1: nobody's. */
  readonly witnesses: Int32Array;
  turn: number;
  inFlight: number;
  /** When it began anew, in microseconds: what was said before that is not in flight any more. */
  since: number;
  arrivals: number;
  /** `arrivals` at the last look, and how often nothing has changed since. */
  seen: number;
  idle: number;
}

/** Looks without an arrival, after which what is in flight counts as lost, and the conversation begins anew. */
const STALLED = 5;

export class ClosedLoop implements Talk {
  readonly #window: number;
  readonly #say: Say;
  /** By conversation; those that this thread drives. */
  readonly #flows: (Flow | undefined)[] = [];
  readonly #byVoice = new Map<number, Flow>();
  #isOn = false;

  constructor(window: number, cast: Cast, voices: readonly (readonly Voice[])[], threads: number, say: Say) {
    this.#window = window;
    this.#say = say;
    for (const conversation of cast.conversations) {
      const { index, members, writers } = conversation;
      const mine = voices[index] ?? [];
      const [one] = mine;
      const thread = driverOf(conversation, threads, cast.slow);
      if (one === undefined || thread !== threadOf(one.user, threads)) continue;
      const here = members.filter((user) => threadOf(user, threads) === thread && !cast.slow.has(user));
      const witnesses = new Int32Array(writers).fill(-1);
      for (const { writer, user } of mine) {
        const witness = here.find((other) => other !== user);
        if (witness !== undefined) witnesses[writer] = witness;
      }
      const speaking = mine.filter(({ writer }) => witnesses[writer] !== -1);
      const count = { turn: 0, inFlight: 0, since: 0, arrivals: 0, seen: 0, idle: 0 };
      const flow: Flow = { voices: speaking, witnesses, ...count };
      this.#flows[index] = flow;
      for (const { number } of speaking) this.#byVoice.set(number, flow);
    }
  }

  begin(rate: number): void {
    this.#isOn = rate > 0;
    for (const flow of this.#flows) if (flow !== undefined) this.#fill(flow);
  }

  silence(): void {
    this.#isOn = false;
  }

  arrived({ index }: Conversation, reader: number, writer: number, due: number): void {
    const flow = this.#flows[index];
    if (flow?.witnesses[writer] === reader) this.#ended(flow, due);
  }

  refused(voice: number, due: number): void {
    const flow = this.#byVoice.get(voice);
    if (flow !== undefined) this.#ended(flow, due);
  }

  #ended(flow: Flow, due: number): void {
    flow.arrivals += 1;
    if (due < flow.since) return;
    flow.inFlight -= 1;
    this.#fill(flow);
  }

  tick(): void {
    for (const flow of this.#flows) {
      if (flow === undefined) continue;
      flow.idle = flow.seen === flow.arrivals ? flow.idle + 1 : 0;
      flow.seen = flow.arrivals;
      if (flow.idle < STALLED) continue;
      flow.idle = 0;
      flow.inFlight = 0;
      // A message tells when it was due in whole microseconds.
      flow.since = Math.floor(now());
      this.#fill(flow);
    }
  }

  #fill(flow: Flow): void {
    for (let tries = flow.voices.length; this.#isOn && flow.inFlight < this.#window && tries > 0; ) {
      const voice = flow.voices[flow.turn % flow.voices.length];
      flow.turn += 1;
      if (voice !== undefined && this.#say(voice, now())) flow.inFlight += 1;
      else tries -= 1;
    }
  }
}

/** The one thread that drives a conversation: one of its users writes, and another sees that it has arrived. Undefined if none can. */
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
