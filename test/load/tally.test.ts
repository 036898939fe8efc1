import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Cast, makeCast } from '../../src/load/cast.ts';
import { scenarioSchema } from '../../src/load/scenario.ts';
import { type Arrival, type Said, Tally } from '../../src/load/tally.ts';

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
}

/** As simple as can be: a list of all that arrived. */
class Model {
  readonly #got = new Map<number, number[]>();
  readonly counts = { delivered: 0, repeated: 0, reordered: 0, foreign: 0 };

  arrived(user: number, message: number, all: readonly Message[]): Arrival {
    const of = all[message];
    const conversation = CAST.conversations[of?.conversation ?? -1];
    const place = conversation?.members.indexOf(user) ?? -1;
    if (place === -1) {
      this.counts.foreign += 1;
      return 'foreign';
    }
    if (place === of?.writer) return 'ignored';
    const got = this.#got.get(user) ?? [];
    this.#got.set(user, got);
    if (got.includes(message)) {
      this.counts.repeated += 1;
      return 'repeated';
    }
    const isLate = got.some((other) => other > message && isSameVoice(all[other], of));
    got.push(message);
    this.counts.delivered += 1;
    if (!isLate) return 'new';
    this.counts.reordered += 1;
    return 'late';
  }

  /** What users who are there did not get, of all that was told; and others, of what came before something that they got. */
  lost(all: readonly Message[], isThere: (user: number) => boolean): number {
    let lost = 0;
    for (const [message, of] of all.entries()) {
      for (const [place, user] of CAST.conversations[of.conversation]?.members.entries() ?? []) {
        const got = this.#got.get(user) ?? [];
        if (place === of.writer || of.fate !== 'told' || got.includes(message)) continue;
        const isSkipped = got.some((other) => other > message && isSameVoice(all[other], of));
        if (isThere(user) || isSkipped) lost += 1;
      }
    }
    return lost;
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
const run = fc.record({
  messages: fc.array(message, { minLength: 1, maxLength: 30 }),
  deliveries: fc.array(delivery, { maxLength: 200 }),
  away: fc.uniqueArray(fc.nat(5)),
});

/** Plays it on two threads. */
function play(messages: readonly Message[], deliveries: readonly Delivery[], away: readonly number[]) {
  const tallies = [0, 1].map((thread) => new Tally(CAST, (user) => user % 2 === thread));
  const of = (user: number): Tally => tallies[user % 2] ?? new Tally(CAST, () => false);
  const waiting: number[][] = [[], []];
  const counters = messages.map(({ conversation, writer, fate }) => {
    const { firstVoice, members } = CAST.conversations[conversation] ?? { firstVoice: 0, members: [] };
    const voice = firstVoice + writer;
    const user = members[writer] ?? 0;
    const counter = of(user).take(voice);
    if (fate === 'refused') of(user).refused(voice, counter);
    if (fate === 'unanswered') of(user).unanswered(voice, counter);
    if (fate === 'waiting') waiting[user % 2]?.push(voice, counter);
    return counter;
  });
  const arrivals = deliveries.map(({ user, message: number }) => {
    const { conversation = 0, writer = 0 } = messages[number] ?? {};
    return of(user).arrived(user, { conversation, writer, counter: counters[number] ?? 0, due: 0 });
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
    examples: settled.flatMap(({ examples }) => examples),
  };
}

describe('a tally', () => {
  it('counts as a list of all arrivals would', () => {
    fc.assert(
      fc.property(run, ({ messages, deliveries: drawn, away }) => {
        const deliveries = drawn.map((one) => ({ ...one, message: one.message % messages.length }));
        const model = new Model();
        const arrivals = deliveries.map(({ user, message: number }) => model.arrived(user, number, messages));
        const played = play(messages, deliveries, away);
        expect(played.arrivals).toEqual(arrivals);
        expect(played).toMatchObject(model.counts);
        expect(played.lost).toBe(model.lost(messages, (user) => !away.includes(user)));
        expect(played.expected).toBe(played.delivered + played.lost);
      }),
      { numRuns: 2_000 },
    );
  });

  it('finds nothing wrong if everybody gets everything, and everything wrong if nobody gets anything', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 30 }), (messages) => {
        const all = messages.flatMap(({ conversation, writer }, number) =>
          (CAST.conversations[conversation]?.members ?? [])
            .filter((_, place) => place !== writer)
            .map((user) => ({ user, message: number })),
        );
        expect(play(messages, all, [])).toMatchObject({
          expected: all.length,
          delivered: all.length,
          ...{ lost: 0, repeated: 0, reordered: 0, foreign: 0, examples: [] },
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

  it('takes a writer that is none for something foreign', () => {
    const tally = new Tally(CAST, () => true);
    expect(tally.arrived(0, { conversation: 0, writer: 2, counter: 0, due: 0 })).toBe('foreign');
    expect(tally.arrived(0, { conversation: 77, writer: 0, counter: 0, due: 0 })).toBe('foreign');
    const nobody: Cast = { conversations: [], voices: 0, fanout: 0, slow: new Set() };
    expect(new Tally(nobody, () => true).settle([], () => true)).toEqual({
      expected: 0,
      lost: 0,
      examples: [],
    });
  });
});
