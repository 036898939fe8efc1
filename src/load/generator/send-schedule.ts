/**
 * Decides which writer of this thread sends when. In an open loop, messages are due at random times (a Poisson process) whether
 * or not the server keeps up, and late ones are reported. In a closed loop, a conversation sends its next message when one has
 * arrived.
 */

import { type Conversation, type Population, threadOf } from '../scenario/population.ts';
import { startRandom } from '../scenario/random.ts';
import { fullRate, type Scenario } from '../scenario/scenario.ts';
import { ClosedLoop } from './closed-loop.ts';
import { OpenLoop, type WriterGroup } from './open-loop.ts';

/** A user who writes in a conversation. A user who writes in several conversations is several writers. */
export interface Writer {
  /** Its number among the writers of all conversations. */
  readonly id: number;
  readonly conversation: Conversation;
  /** Its position among the writers of the conversation. */
  readonly index: number;
  readonly user: number;
  /** The room, or the name of the other user of a pair. */
  readonly to: string;
}

/** Sends a message that was due at `due`; returns false if the writer's user cannot send now. */
export type Send = (writer: Writer, due: number) => boolean;

/** Keeps the random numbers of schedules apart from others of the same seed. */
const SCHEDULE_STREAM = 100;

export interface SendSchedule {
  /** Starts sending, at `rate` times the full rate. May be called again to change the rate. */
  start(rate: number): void;
  stop(): void;
  /** For closed loops: `reader` has received a message that the writer at `writerIndex` sent at `due`. */
  arrived(conversation: Conversation, reader: number, writerIndex: number, due: number): void;
  /** For closed loops: a message was refused, so it will not arrive. */
  refused(writerId: number, due: number): void;
  /** Called once per second. */
  tick(): void;
}

export function makeSendSchedule(
  scenario: Scenario,
  population: Population,
  seed: number,
  thread: number,
  threads: number,
  nameOf: (user: number) => string,
  send: Send,
): SendSchedule {
  const writers = population.conversations.map((conversation) =>
    writersOf(conversation, thread, threads, nameOf),
  );
  if (scenario.talk?.loop === 'closed')
    return new ClosedLoop(scenario.talk.inFlight, population, writers, threads, send);
  const random = startRandom(seed, SCHEDULE_STREAM + thread);
  return new OpenLoop(groupWriters(scenario, population, writers), random, send);
}

/** The writers of a conversation that belong to the thread. */
function writersOf(
  conversation: Conversation,
  thread: number,
  threads: number,
  nameOf: (user: number) => string,
): Writer[] {
  const { room, members, writers, firstWriterId } = conversation;
  return members.slice(0, writers).flatMap((user, index) => {
    if (threadOf(user, threads) !== thread) return [];
    const to = room ?? nameOf(members.find((other) => other !== user) ?? user);
    return [{ id: firstWriterId + index, conversation, index, user, to }];
  });
}

/** The thread's writers by group of the scenario, each with its part of the total rate. */
function groupWriters(
  scenario: Scenario,
  population: Population,
  writers: readonly (readonly Writer[])[],
): WriterGroup[] {
  const counts = scenario.groups.map(() => 0);
  const mine: Writer[][] = scenario.groups.map(() => []);
  for (const { group, index, writers: count } of population.conversations) {
    counts[group] = (counts[group] ?? 0) + count;
    for (const writer of writers[index] ?? []) mine[group]?.push(writer);
  }
  const weights = scenario.groups.map(({ weight }, group) => ((counts[group] ?? 0) > 0 ? weight : 0));
  const sum = weights.reduce((a, b) => a + b, 0);
  return mine.map((own, group) => {
    const share = sum === 0 ? 0 : (weights[group] ?? 0) / sum;
    const rate = (fullRate(scenario) * share * own.length) / Math.max(1, counts[group] ?? 0);
    return { writers: own, rate };
  });
}
