/**
 * Who takes part in a run: its conversations, with their members and writers, and which thread each user belongs to. Follows from the
 * scenario and the seed, so that every thread makes the same one.
 */

import { shuffle, startRandom } from './random.ts';
import type { Group, Scenario } from './scenario.ts';

export interface Conversation {
  readonly index: number;
  /** Of the scenario. */
  readonly group: number;
  /** Undefined for a pair, whose two write to each other by name. */
  readonly room: string | undefined;
  /** Users. The first `writers` of them write. */
  readonly members: readonly number[];
  readonly writers: number;
  /** The number of its first writer among all writers of all conversations. */
  readonly firstVoice: number;
}

export interface Cast {
  readonly conversations: readonly Conversation[];
  /** Writers of all conversations together. */
  readonly voices: number;
  /** Deliveries of one message, on average over the voices. */
  readonly fanout: number;
  /** Users that stop reading. */
  readonly slow: ReadonlySet<number>;
}

const CONVERSATIONS = 1;
const SLOW = 2;

/** `tag` makes the names of rooms those of this run. */
export function makeCast({ users, groups, slowShare }: Scenario, seed: number, tag: string): Cast {
  const random = startRandom(seed, CONVERSATIONS);
  const everybody = Array.from({ length: users }, (_, user) => user);
  const conversations: Conversation[] = [];
  let voices = 0;
  const add = (
    group: number,
    room: string | undefined,
    members: readonly number[],
    writers: number,
  ): void => {
    conversations.push({ index: conversations.length, group, room, members, writers, firstVoice: voices });
    voices += writers;
  };
  for (const [group, of] of groups.entries()) {
    for (const members of split(of, everybody, () => shuffle([...everybody], random))) {
      if (members.length < 2) continue;
      const room = of.kind === 'pairs' ? undefined : `#load-${tag}-${conversations.length}`;
      add(
        group,
        room,
        members,
        of.kind === 'pairs' ? 2 : Math.min(of.writers ?? members.length, members.length),
      );
    }
  }
  const deliveries = conversations.reduce(
    (sum, { members, writers }) => sum + writers * (members.length - 1),
    0,
  );
  const drawn = shuffle([...everybody], startRandom(seed, SLOW));
  return {
    conversations,
    voices,
    fanout: voices === 0 ? 0 : deliveries / voices,
    slow: new Set(drawn.slice(0, Math.round(users * slowShare))),
  };
}

/** Two neighbours share a thread: of a pair, and mostly of a room, somebody is there who can tell that a message has arrived. */
export function threadOf(user: number, threads: number): number {
  return (user >> 1) % threads;
}

/** The rooms of each user who is in any. */
export function roomsOf({ conversations }: Cast): ReadonlyMap<number, readonly string[]> {
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
    // In the first round neighbours come together: that is as good as any other order, and cheaper to follow.
    yield* withoutLoners(chunks(round === 0 ? everybody : shuffled(), group.size));
  }
}

/** Who would be alone in the last room joins the one before it. */
function* withoutLoners(rooms: Iterable<number[]>): Iterable<number[]> {
  let before: number[] = [];
  for (const room of rooms) {
    const isAlone = room.length === 1 && before.length > 0;
    if (!isAlone && before.length > 0) yield before;
    before = isAlone ? [...before, ...room] : room;
  }
  if (before.length > 0) yield before;
}

function* chunks(users: readonly number[], size: number): Iterable<number[]> {
  for (let start = 0; start < users.length; start += size) yield users.slice(start, start + size);
}
