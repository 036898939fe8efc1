/**
 * Who of one thread's users says what, and when. In an open loop messages are due at random moments (a Poisson process) whether or
 * not the server keeps up, and what is late is told. In a closed loop a conversation goes on as soon as a message has arrived.
 */

import { type Cast, type Conversation, threadOf } from '../scenario/population.ts';
import { startRandom } from '../scenario/random.ts';
import { fullRate, type Scenario } from '../scenario/scenario.ts';
import { ClosedLoop } from './closed-loop.ts';
import { OpenLoop, type Part } from './open-loop.ts';

/** One writer in one conversation. */
export interface Voice {
  readonly number: number;
  readonly conversation: Conversation;
  readonly writer: number;
  readonly user: number;
  /** The room, or the name of the one other. */
  readonly to: string;
}

/** Says a message that is due at that time; false if its user cannot. */
export type Say = (voice: Voice, due: number) => boolean;

const TALK = 100;

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
  nameOf: (user: number) => string,
  say: Say,
): Talk {
  const voices = cast.conversations.map((conversation) => voicesOf(conversation, thread, threads, nameOf));
  const random = startRandom(seed, TALK + thread);
  if (scenario.talk?.loop === 'closed')
    return new ClosedLoop(scenario.talk.inFlight, cast, voices, threads, say);
  return new OpenLoop(ratesOf(scenario, cast, voices), random, say);
}

/** The writers of a conversation that belong to that thread. */
function voicesOf(
  conversation: Conversation,
  thread: number,
  threads: number,
  nameOf: (user: number) => string,
): Voice[] {
  const { room, members, writers, firstVoice } = conversation;
  return members.slice(0, writers).flatMap((user, writer) => {
    if (threadOf(user, threads) !== thread) return [];
    const to = room ?? nameOf(members.find((other) => other !== user) ?? user);
    return [{ number: firstVoice + writer, conversation, writer, user, to }];
  });
}

/** For each group the thread's voices, and their part of the rate of all. */
function ratesOf(scenario: Scenario, cast: Cast, voices: readonly (readonly Voice[])[]): Part[] {
  const counts = scenario.groups.map(() => 0);
  const mine: Voice[][] = scenario.groups.map(() => []);
  for (const { group, index, writers } of cast.conversations) {
    counts[group] = (counts[group] ?? 0) + writers;
    for (const voice of voices[index] ?? []) mine[group]?.push(voice);
  }
  const weights = scenario.groups.map(({ weight }, group) => ((counts[group] ?? 0) > 0 ? weight : 0));
  const sum = weights.reduce((a, b) => a + b, 0);
  return mine.map((of, group) => {
    const share = sum === 0 ? 0 : (weights[group] ?? 0) / sum;
    return { voices: of, rate: (fullRate(scenario) * share * of.length) / Math.max(1, counts[group] ?? 0) };
  });
}
