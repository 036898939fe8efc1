/**
 * Assigns users to conversations, as members and as writers, and to threads. The assignment follows from the scenario and the
 * seed alone, so every thread derives the same one.
 */

import { shuffle, startRandom } from './random.ts';
import type { Group, Scenario } from './scenario.ts';

export interface Conversation {
  readonly index: number;
  /** Index of the scenario's group. */
  readonly group: number;
  /** Undefined for a pair, whose members write to each other by name. */
  readonly room: string | undefined;
  /** User indexes. The first `writers` of them write. */
  readonly members: readonly number[];
  readonly writers: number;
  /** The id of its first writer; the others have the following ids. Ids are unique among all conversations. */
  readonly firstWriterId: number;
}

export interface Population {
  readonly conversations: readonly Conversation[];
  /** Number of writers of all conversations. */
  readonly writerCount: number;
  /** Deliveries per message, averaged over the writers. */
  readonly fanout: number;
  /** Users who stop reading. */
  readonly slow: ReadonlySet<number>;
}

const CONVERSATION_STREAM = 1;
const SLOW_STREAM = 2;

/** `tag` becomes part of room names, so that each run has rooms of its own. */
export function makePopulation(
  { users, groups, slowShare }: Scenario,
  seed: number,
  tag: string,
): Population {
  const random = startRandom(seed, CONVERSATION_STREAM);
  const everybody = Array.from({ length: users }, (_, user) => user);
  const conversations: Conversation[] = [];
  let writerCount = 0;
  const add = (
    group: number,
    room: string | undefined,
    members: readonly number[],
    writers: number,
  ): void => {
    conversations.push({
      index: conversations.length,
      group,
      room,
      members,
      writers,
      firstWriterId: writerCount,
    });
    writerCount += writers;
  };
  for (const [group, spec] of groups.entries()) {
    for (const members of split(spec, everybody, () => shuffle([...everybody], random))) {
      if (members.length < 2) continue;
      const room = spec.kind === 'pairs' ? undefined : `#load-${tag}-${conversations.length}`;
      add(
        group,
        room,
        members,
        spec.kind === 'pairs' ? 2 : Math.min(spec.writers ?? members.length, members.length),
      );
    }
  }
  const deliveries = conversations.reduce(
    (sum, { members, writers }) => sum + writers * (members.length - 1),
    0,
  );
  const drawn = shuffle([...everybody], startRandom(seed, SLOW_STREAM));
  return {
    conversations,
    writerCount,
    fanout: writerCount === 0 ? 0 : deliveries / writerCount,
    slow: new Set(drawn.slice(0, Math.round(users * slowShare))),
  };
}

/**
 * Two users with neighbouring indexes share a thread, so that a pair, and mostly also a room, has a reader on the thread of its
 * writer.
 */
export function threadOf(user: number, threads: number): number {
  return (user >> 1) % threads;
}

/** The rooms of each user that is in at least one. */
export function roomsOf({ conversations }: Population): ReadonlyMap<number, readonly string[]> {
  const rooms = new Map<number, string[]>();
  for (const { room, members } of conversations) {
    if (room === undefined) continue;
    for (const user of members) {
      const own = rooms.get(user) ?? [];
      rooms.set(user, own);
      own.push(room);
    }
  }
  return rooms;
}

function* split(group: Group, everybody: readonly number[], shuffled: () => number[]): Iterable<number[]> {
  if (group.kind === 'pairs') {
    yield* chunks(everybody, 2);
    return;
  }
  const rounds = Math.min(group.perUser, Math.max(1, everybody.length));
  for (let round = 0; round < rounds; round += 1) {
    // The first round keeps neighbours together: any order will do, and this one is easier to follow and cheaper.
    yield* withoutSingletons(chunks(round === 0 ? everybody : shuffled(), group.size));
  }
}

/** A user who would be alone in the last room joins the previous room instead. */
function* withoutSingletons(rooms: Iterable<number[]>): Iterable<number[]> {
  let previous: number[] = [];
  for (const room of rooms) {
    const isAlone = room.length === 1 && previous.length > 0;
    if (!isAlone && previous.length > 0) yield previous;
    previous = isAlone ? [...previous, ...room] : room;
  }
  if (previous.length > 0) yield previous;
}

function* chunks(users: readonly number[], size: number): Iterable<number[]> {
  for (let start = 0; start < users.length; start += size) yield users.slice(start, start + size);
}
