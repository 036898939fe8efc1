/**
 * Who of one thread's users says what, and when. In an open loop messages are due at random moments (a Poisson process) whether or
 * not the server keeps up, and what is late is told. In a closed loop a conversation goes on as soon as a message has arrived.
 */

import { type Cast, type Conversation, threadOf } from './cast.ts';
import { now } from './clock.ts';
import { below, type Random, startRandom } from './random.ts';
import { fullRate, type Scenario } from './scenario.ts';

/** One writer in one conversation. */
export interface Voice {
  readonly number: number;
  readonly conversation: Conversation;
  readonly writer: number;
  readonly user: number;
}

/** Says a message that is due at that time; false if its user cannot. */
export type Say = (voice: Voice, due: number) => boolean;

const TALK = 100;
/** Below this many messages a second a thread waits for each without sleeping in the last millisecond, which timers cannot meet. */
const EXACT_BELOW = 200;
const SECOND_US = 1_000_000;

export interface Talk {
  /** From here on `rate` of the full rate. */
  begin(rate: number): void;
  silence(): void;
  /** A closed loop: a message that was said at `due` has arrived. */
  arrived(conversation: Conversation, reader: number, writer: number, due: number): void;
  /** A closed loop: a message was refused, and does not arrive. */
  refused(voice: number, due: number): void;
  /** Once a second. */
  tick(): void;
}

export function startTalk(
  scenario: Scenario,
  cast: Cast,
  seed: number,
  thread: number,
  threads: number,
  say: Say,
): Talk {
  const voices = cast.conversations.map((conversation) => voicesOf(conversation, thread, threads));
  const random = startRandom(seed, TALK + thread);
  if (scenario.talk?.loop === 'closed')
    return new ClosedLoop(scenario.talk.inFlight, cast, voices, threads, say);
  return new OpenLoop(ratesOf(scenario, cast, voices), random, say);
}

/** The writers of a conversation that belong to that thread. */
function voicesOf(conversation: Conversation, thread: number, threads: number): Voice[] {
  const { members, writers, firstVoice } = conversation;
  return members
    .slice(0, writers)
    .map((user, writer) => ({ number: firstVoice + writer, conversation, writer, user }))
    .filter(({ user }) => threadOf(user, threads) === thread);
}

interface Part {
  readonly voices: readonly Voice[];
  /** Messages a second at the full rate. */
  readonly rate: number;
}

/** For each group the thread's voices, and their part of the rate of all. */
function ratesOf(scenario: Scenario, cast: Cast, voices: readonly (readonly Voice[])[]): Part[] {
  const counts = scenario.groups.map(() => 0);
  const mine: Voice[][] = scenario.groups.map(() => []);
  for (const { group, index, writers } of cast.conversations) {
    counts[group] = (counts[group] ?? 0) + writers;
    mine[group]?.push(...(voices[index] ?? []));
  }
  const weights = scenario.groups.map(({ weight }, group) => ((counts[group] ?? 0) > 0 ? weight : 0));
  const sum = weights.reduce((a, b) => a + b, 0);
  return mine.map((of, group) => {
    const share = sum === 0 ? 0 : (weights[group] ?? 0) / sum;
    return { voices: of, rate: (fullRate(scenario) * share * of.length) / Math.max(1, counts[group] ?? 0) };
  });
}

class OpenLoop implements Talk {
  readonly #parts: readonly Part[];
  readonly #random: Random;
  readonly #say: Say;
  readonly #full: number;
  #rate = 0;
  #next = 0;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;

  constructor(parts: readonly Part[], random: Random, say: Say) {
    this.#parts = parts;
    this.#random = random;
    this.#say = say;
    this.#full = parts.reduce((sum, { rate }) => sum + rate, 0);
  }

  begin(rate: number): void {
    this.silence();
    this.#rate = this.#full * rate;
    if (this.#rate === 0) return;
    this.#next = now() + this.#interval();
    this.#wait();
  }

  silence(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#rate = 0;
  }

  arrived(): void {}

  refused(): void {}

  tick(): void {}

  readonly #run = (): void => {
    const time = now();
    while (this.#next <= time) {
      const voice = this.#draw();
      if (voice !== undefined) this.#say(voice, this.#next);
      this.#next += this.#interval();
    }
    this.#wait();
  };

  #wait(): void {
    const ms = (this.#next - now()) / 1_000;
    if (ms > 2) this.#timer = setTimeout(this.#run, Math.floor(ms) - 1);
    else if (this.#rate < EXACT_BELOW) this.#immediate = setImmediate(this.#run);
    else this.#timer = setTimeout(this.#run, 1);
  }

  #interval(): number {
    return (-Math.log(1 - this.#random()) / this.#rate) * SECOND_US;
  }

  #draw(): Voice | undefined {
    let at = this.#random() * this.#full;
    for (const { voices, rate } of this.#parts) {
      at -= rate;
      if (at < 0) return voices[below(this.#random, voices.length)];
    }
    return undefined;
  }
}

/** Of one conversation. */
interface Flow {
  readonly voices: readonly Voice[];
  /** Whose receipt of a writer's message counts as its arrival, by writer. */
  readonly witnesses: ReadonlyMap<number, number>;
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

class ClosedLoop implements Talk {
  readonly #window: number;
  readonly #say: Say;
  readonly #flows = new Map<number, Flow>();
  readonly #byVoice = new Map<number, Flow>();
  #isOn = false;

  constructor(window: number, cast: Cast, voices: readonly (readonly Voice[])[], threads: number, say: Say) {
    this.#window = window;
    this.#say = say;
    for (const conversation of cast.conversations) {
      const { index, members } = conversation;
      const mine = voices[index] ?? [];
      const [one] = mine;
      const thread = driverOf(conversation, threads, cast.slow);
      if (one === undefined || thread !== threadOf(one.user, threads)) continue;
      const here = members.filter((user) => threadOf(user, threads) === thread && !cast.slow.has(user));
      const witnesses = new Map<number, number>();
      for (const { writer, user } of mine) {
        const witness = here.find((other) => other !== user);
        if (witness !== undefined) witnesses.set(writer, witness);
      }
      const speaking = mine.filter(({ writer }) => witnesses.has(writer));
      const count = { turn: 0, inFlight: 0, since: 0, arrivals: 0, seen: 0, idle: 0 };
      const flow: Flow = { voices: speaking, witnesses, ...count };
      this.#flows.set(index, flow);
      for (const { number } of speaking) this.#byVoice.set(number, flow);
    }
  }

  begin(rate: number): void {
    this.#isOn = rate > 0;
    for (const flow of this.#flows.values()) this.#fill(flow);
  }

  silence(): void {
    this.#isOn = false;
  }

  arrived({ index }: Conversation, reader: number, writer: number, due: number): void {
    const flow = this.#flows.get(index);
    if (flow?.witnesses.get(writer) === reader) this.#ended(flow, due);
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
    for (const flow of this.#flows.values()) {
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
