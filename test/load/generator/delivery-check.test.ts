import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Arrival, type Said, Tally } from '../../../src/load/generator/delivery-check.ts';
import { type Cast, makeCast } from '../../../src/load/scenario/population.ts';
import { scenarioSchema } from '../../../src/load/scenario/scenario.ts';

/** Two rooms of three, of which the first two write; on two threads. User 6 is a member of nothing. */
const SCENARIO = scenarioSchema.parse({
  version: 1,
  name: 'test',
  users: 6,
  groups: [{ kind: 'rooms', size: 3, writers: 2 }],
  phases: [{ kind: 'steady', seconds: 1 }],
});
const CAST = makeCast(SCENARIO, 1, 'abcdef');
const USERS = 7;

/** What is said, and what becomes of it. */
interface Message {
  readonly conversation: number;
  readonly writer: number;
  readonly fate: 'told' | 'refused' | 'unanswered' | 'waiting';
}

/** One time that somebody gets one of the messages. */
interface Delivery {
  readonly user: number;
  readonly message: number;
  /** Of the message, if it is the one that it got when it was said: they rise. */
  readonly id?: number;
}

/** Some room between the ids, for wrong ones. */
function idOf(message: number): number {
  return 1_795_334_587_148_000 + message * 10;
}

/** As simple as can be: a list of all that arrived. */
class Model {
  readonly #got = new Map<number, { readonly message: number; readonly id: number }[]>();
  readonly #largest = new Map<number, number>();
  readonly #hasOrder: boolean;
  readonly counts = { delivered: 0, repeated: 0, reordered: 0, foreign: 0 };

  constructor(hasOrder: boolean) {
    this.#hasOrder = hasOrder;
  }

  arrived({ user, message, id = idOf(message) }: Delivery, all: readonly Message[]): Arrival {
    const of = all[message];
    const conversation = CAST.conversations[of?.conversation ?? -1];
    const place = conversation?.members.indexOf(user) ?? -1;
    if (place === -1) {
      this.counts.foreign += 1;
      return 'foreign';
    }
    const largest = this.#largest.get(user) ?? 0;
    this.#largest.set(user, Math.max(id, largest));
    if (place === of?.writer) return 'ignored';
    const got = this.#got.get(user) ?? [];
    this.#got.set(user, got);
    if (got.some((one) => one.message === message)) {
      this.counts.repeated += 1;
      return 'repeated';
    }
    const isLate = got.some((other) => other.message > message && isSameVoice(all[other.message], of));
    got.push({ message, id });
    this.counts.delivered += 1;
    if (!isLate && (id > largest || !this.#hasOrder)) return 'new';
    this.counts.reordered += 1;
    return 'late';
  }

  /** What users who are there did not get, of all that was told; and others, of what came before something that they got. */
  lost(all: readonly Message[], isThere: (user: number) => boolean): number {
    let lost = 0;
    for (const [message, of] of all.entries()) {
      for (const [place, user] of CAST.conversations[of.conversation]?.members.entries() ?? []) {
        const got = this.#got.get(user) ?? [];
        if (place === of.writer || of.fate !== 'told' || got.some((one) => one.message === message)) continue;
        const isSkipped = got.some((other) => other.message > message && isSameVoice(all[other.message], of));
        if (isThere(user) || isSkipped) lost += 1;
      }
    }
    return lost;
  }

  /** Of the users who are there and have exactly what was told: those who have something under another id. */
  diverged(all: readonly Message[], isThere: (user: number) => boolean): number {
    if (!this.#hasOrder) return 0;
    let diverged = 0;
    for (const { index, members } of CAST.conversations) {
      for (const [place, user] of members.entries()) {
        const got = (this.#got.get(user) ?? []).filter(({ message }) => all[message]?.conversation === index);
        const told = all.filter(
          ({ conversation, writer, fate }) => conversation === index && writer !== place && fate === 'told',
        );
        const hasSame =
          got.length === told.length && got.every(({ message }) => all[message]?.fate === 'told');
        const isWrong = got.some(({ message, id }) => id !== idOf(message));
        if (isThere(user) && hasSame && isWrong) diverged += 1;
      }
    }
    return diverged;
  }
}

function isSameVoice(a: Message | undefined, b: Message | undefined): boolean {
  return a?.conversation === b?.conversation && a?.writer === b?.writer;
}

const message = fc.record({
  conversation: fc.constantFrom(0, 1),
  writer: fc.constantFrom(0, 1),
  fate: fc.constantFrom('told', 'told', 'told', 'refused', 'unanswered', 'waiting'),
});
const delivery = fc.record({ user: fc.nat(USERS - 1), message: fc.nat(1_000) });
/** Messages that somebody gets under another id: who and which, and how much larger it is. */
const wrong = fc.record({ user: fc.nat(5), message: fc.nat(7), by: fc.integer({ min: -9, max: 9 }) });
const run = fc.record({
  hasOrder: fc.boolean(),
  /** Whether everything is told, and everybody gets it first, in order. */
  isComplete: fc.boolean(),
  wrong: fc.array(wrong, { maxLength: 8 }),
  messages: fc.array(message, { minLength: 1, maxLength: 30 }),
  deliveries: fc.array(delivery, { maxLength: 200 }),
  away: fc.uniqueArray(fc.nat(5)),
});

/** Plays it on two threads. */
function play(
  messages: readonly Message[],
  deliveries: readonly Delivery[],
  away: readonly number[],
  hasOrder = true,
) {
  const counts = new Int32Array(CAST.voices);
  const tallies = [0, 1].map((thread) => new Tally(CAST, (user) => user % 2 === thread, counts, hasOrder));
  const of = (user: number): Tally => tallies[user % 2] ?? new Tally(CAST, () => false, counts, hasOrder);
  const waiting: number[][] = [[], []];
  const counters = messages.map(({ conversation, writer, fate }, message) => {
    const { firstVoice, members } = CAST.conversations[conversation] ?? { firstVoice: 0, members: [] };
    const voice = firstVoice + writer;
    const user = members[writer] ?? 0;
    const counter = of(user).take(voice);
    if (fate === 'refused') of(user).refused(voice, counter);
    if (fate === 'unanswered') of(user).unanswered(voice, counter);
    if (fate === 'waiting') waiting[user % 2]?.push(voice, counter);
    // As one that was said again: its id need not be larger than the last.
    if (fate === 'told') of(user).acknowledged(of(user).readerOf(user), voice, counter, idOf(message), true);
    return counter;
  });
  const arrivals = deliveries.map(({ user, message: number, id = idOf(number) }) => {
    const { conversation = 0, writer = 0 } = messages[number] ?? {};
    const stamp = { conversation, writer, counter: counters[number] ?? 0, due: 0 };
    return of(user).arrived(of(user).readerOf(user), stamp, id);
  });
  const said: Said[] = tallies.map((tally, thread) => tally.said(waiting[thread]));
  const settled = tallies.map((tally) => tally.settle(said, (user) => !away.includes(user)));
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  return {
    arrivals,
    delivered: sum(tallies.map(({ delivered }) => delivered)),
    repeated: sum(tallies.map(({ repeated }) => repeated)),
    reordered: sum(tallies.map(({ reordered }) => reordered)),
    foreign: sum(tallies.map(({ foreign }) => foreign)),
    expected: sum(settled.map(({ expected }) => expected)),
    lost: sum(settled.map(({ lost }) => lost)),
    invented: sum(settled.map(({ invented }) => invented)),
    diverged: sum(settled.map(({ diverged }) => diverged)),
    examples: settled.flatMap(({ examples }) => examples),
  };
}

/** Each message once at each of its readers, in order. */
function deliverAll(messages: readonly Message[]): Delivery[] {
  return messages.flatMap(({ conversation, writer }, message) =>
    (CAST.conversations[conversation]?.members ?? [])
      .filter((_, place) => place !== writer)
      .map((user) => ({ user, message })),
  );
}

describe('a tally', () => {
  it('counts as a list of all arrivals would', () => {
    let diverged = 0;
    fc.assert(
      fc.property(run, ({ messages: given, deliveries: drawn, away, hasOrder, isComplete, wrong }) => {
        const messages = given.map((one) => (isComplete ? { ...one, fate: 'told' as const } : one));
        const others = drawn.map((one) => ({ ...one, message: one.message % messages.length }));
        const deliveries = [...(isComplete ? deliverAll(messages) : []), ...others].map((one): Delivery => {
          const by = wrong.find(({ user, message }) => user === one.user && message === one.message)?.by ?? 0;
          return { ...one, id: idOf(one.message) + by };
        });
        const model = new Model(hasOrder);
        const arrivals = deliveries.map((one) => model.arrived(one, messages));
        const played = play(messages, deliveries, away, hasOrder);
        const isThere = (user: number): boolean => !away.includes(user);
        expect(played.arrivals).toEqual(arrivals);
        expect(played).toMatchObject({ ...model.counts, invented: 0 });
        expect(played.lost).toBe(model.lost(messages, isThere));
        expect(played.diverged).toBe(model.diverged(messages, isThere));
        expect(played.expected).toBe(played.delivered + played.lost);
        diverged += played.diverged;
      }),
      { numRuns: 2_000 },
    );
    expect(diverged).toBeGreaterThan(20);
  });

  it('finds nothing wrong if everybody gets everything, and everything wrong if nobody gets anything', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 30 }), (messages) => {
        const all = deliverAll(messages);
        expect(play(messages, all, [])).toMatchObject({
          expected: all.length,
          delivered: all.length,
          ...{ lost: 0, repeated: 0, reordered: 0, diverged: 0, foreign: 0, invented: 0, examples: [] },
        });
        const told = messages.filter(({ fate }) => fate === 'told');
        expect(play(messages, [], [])).toMatchObject({ lost: told.length * 2, expected: told.length * 2 });
      }),
    );
  });

  it('says in words what is wrong', () => {
    const told = { conversation: 1, writer: 1, fate: 'told' } as const;
    const reader = CAST.conversations[1]?.members[0] ?? 0;
    const get = (message: number): Delivery => ({ user: reader, message });
    const { examples } = play(
      [told, told, told, told],
      [get(2), get(2), get(1), { user: 0, message: 3 }],
      [],
    );
    expect(examples).toEqual(
      expect.arrayContaining([
        `user ${reader} got message 2 of writer 1 in conversation 1 again`,
        `user ${reader} got message 1 of writer 1 in conversation 1 out of order`,
        'user 0 got message 3 of writer 1 in conversation 1 though it is no member',
        `user ${reader} did not get 2 messages from 0 on of writer 1 in conversation 1`,
      ]),
    );
  });

  it('takes a writer that is none, and a number that was never given, for something foreign', () => {
    const tally = new Tally(CAST, () => true, new Int32Array(CAST.voices), true);
    const reader = tally.readerOf(0);
    expect(tally.arrived(reader, { conversation: 0, writer: 2, counter: 0, due: 0 }, 1)).toBe('foreign');
    expect(tally.arrived(reader, { conversation: 77, writer: 0, counter: 0, due: 0 }, 2)).toBe('foreign');
    expect(tally.arrived(reader, { conversation: 0, writer: 1, counter: 999_999_999, due: 0 }, 3)).toBe(
      'foreign',
    );
    // The next one due may have been said by now on another thread: that is known at the end.
    expect(tally.arrived(reader, { conversation: 0, writer: 1, counter: 0, due: 0 }, 4)).toBe('new');
    expect(tally.settle([], () => true)).toMatchObject({ expected: 0, lost: 0, invented: 1 });
    const nobody: Cast = { conversations: [], voices: 0, fanout: 0, slow: new Set() };
    expect(new Tally(nobody, () => true, new Int32Array(0), true).settle([], () => true)).toEqual({
      ...{ expected: 0, lost: 0, invented: 0, diverged: 0, examples: [] },
    });
  });

  it('knows whose answers go back: a new one has a larger id than everything before it', () => {
    const tally = new Tally(CAST, () => true, new Int32Array(CAST.voices), true);
    const writer = tally.readerOf(0);
    for (const counter of [0, 1, 2]) expect(tally.take(0)).toBe(counter);
    tally.acknowledged(writer, 0, 0, 50, false);
    tally.acknowledged(writer, 0, 1, 40, true);
    expect(tally.reordered).toBe(0);
    tally.acknowledged(writer, 0, 2, 50, false);
    expect([tally.reordered, tally.examples]).toEqual([
      1,
      ['user 0 was told the id 50 of a message behind 50'],
    ]);
  });
});
