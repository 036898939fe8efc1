import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ArrivalKind,
  DeliveryCheck,
  type SendRecord,
} from '../../../src/load/generator/delivery-check.ts';
import { makePopulation, type Population } from '../../../src/load/scenario/population.ts';
import { scenarioSchema } from '../../../src/load/scenario/scenario.ts';

/** Two rooms of three members, of whom the first two write, on two threads. User 6 is in no room. */
const SCENARIO = scenarioSchema.parse({
  version: 1,
  name: 'test',
  users: 6,
  groups: [{ kind: 'rooms', size: 3, writers: 2 }],
  phases: [{ kind: 'steady', seconds: 1 }],
});
const POPULATION = makePopulation(SCENARIO, 1, 'abcdef');
const USERS = 7;

/** A message, and how the server answered it. */
interface Message {
  readonly conversation: number;
  readonly writer: number;
  readonly answer: 'stored' | 'refused' | 'lost' | 'pending';
}

/** One arrival of a message at a user. */
interface Delivery {
  readonly user: number;
  readonly message: number;
  /** The id that it arrives with; by default the one it was stored with. */
  readonly id?: number;
}

/** Leaves gaps between ids, for wrong ids. */
function idOf(message: number): number {
  return 1_795_334_587_148_000 + message * 10;
}

/** The simplest possible implementation: a list of all arrivals. */
class Model {
  readonly #received = new Map<number, { readonly message: number; readonly id: number }[]>();
  readonly #largest = new Map<number, number>();
  readonly #hasOrder: boolean;
  readonly counts = { delivered: 0, repeated: 0, reordered: 0, foreign: 0 };

  constructor(hasOrder: boolean) {
    this.#hasOrder = hasOrder;
  }

  arrived({ user, message, id = idOf(message) }: Delivery, all: readonly Message[]): ArrivalKind {
    const sent = all[message];
    const conversation = POPULATION.conversations[sent?.conversation ?? -1];
    const index = conversation?.members.indexOf(user) ?? -1;
    if (index === -1) {
      this.counts.foreign += 1;
      return 'foreign';
    }
    const largest = this.#largest.get(user) ?? 0;
    this.#largest.set(user, Math.max(id, largest));
    if (index === sent?.writer) return 'ignored';
    const received = this.#received.get(user) ?? [];
    this.#received.set(user, received);
    if (received.some((one) => one.message === message)) {
      this.counts.repeated += 1;
      return 'repeated';
    }
    const isLate = received.some(
      (other) => other.message > message && isSameWriter(all[other.message], sent),
    );
    received.push({ message, id });
    this.counts.delivered += 1;
    if (!isLate && (id > largest || !this.#hasOrder)) return 'new';
    this.counts.reordered += 1;
    return 'late';
  }

  /** Stored messages that a user did not receive. For offline users, only those before a message that they did receive. */
  lost(all: readonly Message[], isOnline: (user: number) => boolean): number {
    let lost = 0;
    for (const [message, sent] of all.entries()) {
      for (const [index, user] of POPULATION.conversations[sent.conversation]?.members.entries() ?? []) {
        const received = this.#received.get(user) ?? [];
        if (
          index === sent.writer ||
          sent.answer !== 'stored' ||
          received.some((one) => one.message === message)
        )
          continue;
        const isSkipped = received.some(
          (other) => other.message > message && isSameWriter(all[other.message], sent),
        );
        if (isOnline(user) || isSkipped) lost += 1;
      }
    }
    return lost;
  }

  /** Online users that received exactly the stored messages, but some of them with another id. */
  diverged(all: readonly Message[], isOnline: (user: number) => boolean): number {
    if (!this.#hasOrder) return 0;
    let diverged = 0;
    for (const { index, members } of POPULATION.conversations) {
      for (const [position, user] of members.entries()) {
        const received = (this.#received.get(user) ?? []).filter(
          ({ message }) => all[message]?.conversation === index,
        );
        const stored = all.filter(
          ({ conversation, writer, answer }) =>
            conversation === index && writer !== position && answer === 'stored',
        );
        const hasSame =
          received.length === stored.length &&
          received.every(({ message }) => all[message]?.answer === 'stored');
        const isWrong = received.some(({ message, id }) => id !== idOf(message));
        if (isOnline(user) && hasSame && isWrong) diverged += 1;
      }
    }
    return diverged;
  }
}

function isSameWriter(a: Message | undefined, b: Message | undefined): boolean {
  return a?.conversation === b?.conversation && a?.writer === b?.writer;
}

const message = fc.record({
  conversation: fc.constantFrom(0, 1),
  writer: fc.constantFrom(0, 1),
  answer: fc.constantFrom('stored', 'stored', 'stored', 'refused', 'lost', 'pending'),
});
const delivery = fc.record({ user: fc.nat(USERS - 1), message: fc.nat(1_000) });
/** A user who receives a message with another id, and by how much the id is larger. */
const wrong = fc.record({ user: fc.nat(5), message: fc.nat(7), by: fc.integer({ min: -9, max: 9 }) });
const run = fc.record({
  hasOrder: fc.boolean(),
  /** Whether all messages are stored and first delivered to everybody in order. */
  isComplete: fc.boolean(),
  wrong: fc.array(wrong, { maxLength: 8 }),
  messages: fc.array(message, { minLength: 1, maxLength: 30 }),
  deliveries: fc.array(delivery, { maxLength: 200 }),
  away: fc.uniqueArray(fc.nat(5)),
});

/** Runs the messages and deliveries through the checks of two threads. */
function play(
  messages: readonly Message[],
  deliveries: readonly Delivery[],
  away: readonly number[],
  hasOrder = true,
) {
  const sentCounts = new Int32Array(POPULATION.writerCount);
  const checks = [0, 1].map(
    (thread) => new DeliveryCheck(POPULATION, (user) => user % 2 === thread, sentCounts, hasOrder),
  );
  const checkOf = (user: number): DeliveryCheck =>
    checks[user % 2] ?? new DeliveryCheck(POPULATION, () => false, sentCounts, hasOrder);
  const pending: number[][] = [[], []];
  const counters = messages.map(({ conversation, writer, answer }, message) => {
    const { firstWriterId, members } = POPULATION.conversations[conversation] ?? {
      firstWriterId: 0,
      members: [],
    };
    const writerId = firstWriterId + writer;
    const user = members[writer] ?? 0;
    const counter = checkOf(user).nextCounter(writerId);
    if (answer === 'refused') checkOf(user).refused(writerId, counter);
    if (answer === 'lost') checkOf(user).unanswered(writerId, counter);
    if (answer === 'pending') pending[user % 2]?.push(writerId, counter);
    // As a repeat, so that its id need not be larger than the previous one.
    if (answer === 'stored')
      checkOf(user).acknowledged(checkOf(user).readerOf(user), writerId, counter, idOf(message), true);
    return counter;
  });
  const arrivals = deliveries.map(({ user, message: number, id = idOf(number) }) => {
    const { conversation = 0, writer = 0 } = messages[number] ?? {};
    const stamp = { conversation, writer, counter: counters[number] ?? 0, due: 0 };
    return checkOf(user).arrived(checkOf(user).readerOf(user), stamp, id);
  });
  const records: SendRecord[] = checks.map((check, thread) => check.sendRecord(pending[thread]));
  const findings = checks.map((check) => check.verify(records, (user) => !away.includes(user)));
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  return {
    arrivals,
    delivered: sum(checks.map(({ delivered }) => delivered)),
    repeated: sum(checks.map(({ repeated }) => repeated)),
    reordered: sum(checks.map(({ reordered }) => reordered)),
    foreign: sum(checks.map(({ foreign }) => foreign)),
    expected: sum(findings.map(({ expected }) => expected)),
    lost: sum(findings.map(({ lost }) => lost)),
    invented: sum(findings.map(({ invented }) => invented)),
    diverged: sum(findings.map(({ diverged }) => diverged)),
    examples: findings.flatMap(({ examples }) => examples),
  };
}

/** Delivers each message once to each of its readers, in order. */
function deliverAll(messages: readonly Message[]): Delivery[] {
  return messages.flatMap(({ conversation, writer }, message) =>
    (POPULATION.conversations[conversation]?.members ?? [])
      .filter((_, index) => index !== writer)
      .map((user) => ({ user, message })),
  );
}

describe('a delivery check', () => {
  it('counts the same as a list of all arrivals', () => {
    let diverged = 0;
    fc.assert(
      fc.property(run, ({ messages: given, deliveries: drawn, away, hasOrder, isComplete, wrong }) => {
        const messages = given.map((one) => (isComplete ? { ...one, answer: 'stored' as const } : one));
        const others = drawn.map((one) => ({ ...one, message: one.message % messages.length }));
        const deliveries = [...(isComplete ? deliverAll(messages) : []), ...others].map((one): Delivery => {
          const by = wrong.find(({ user, message }) => user === one.user && message === one.message)?.by ?? 0;
          return { ...one, id: idOf(one.message) + by };
        });
        const model = new Model(hasOrder);
        const arrivals = deliveries.map((one) => model.arrived(one, messages));
        const played = play(messages, deliveries, away, hasOrder);
        const isOnline = (user: number): boolean => !away.includes(user);
        expect(played.arrivals).toEqual(arrivals);
        expect(played).toMatchObject({ ...model.counts, invented: 0 });
        expect(played.lost).toBe(model.lost(messages, isOnline));
        expect(played.diverged).toBe(model.diverged(messages, isOnline));
        expect(played.expected).toBe(played.delivered + played.lost);
        diverged += played.diverged;
      }),
      { numRuns: 2_000 },
    );
    expect(diverged).toBeGreaterThan(20);
  });

  it('describes faults in words', () => {
    const stored = { conversation: 1, writer: 1, answer: 'stored' } as const;
    const reader = POPULATION.conversations[1]?.members[0] ?? 0;
    const get = (message: number): Delivery => ({ user: reader, message });
    const { examples } = play(
      [stored, stored, stored, stored],
      [get(2), get(2), get(1), { user: 0, message: 3 }],
      [],
    );
    expect(examples).toEqual(
      expect.arrayContaining([
        `user ${reader} received message 2 of writer 1 in conversation 1 again`,
        `user ${reader} received message 1 of writer 1 in conversation 1 out of order`,
        'user 0 received message 3 of writer 1 in conversation 1 although it is not a member',
        `user ${reader} did not receive 2 messages of writer 1 in conversation 1, starting with message 0`,
      ]),
    );
  });

  it('counts unknown writers and counters that were never sent as foreign', () => {
    const check = new DeliveryCheck(POPULATION, () => true, new Int32Array(POPULATION.writerCount), true);
    const reader = check.readerOf(0);
    expect(check.arrived(reader, { conversation: 0, writer: 2, counter: 0, due: 0 }, 1)).toBe('foreign');
    expect(check.arrived(reader, { conversation: 77, writer: 0, counter: 0, due: 0 }, 2)).toBe('foreign');
    expect(check.arrived(reader, { conversation: 0, writer: 1, counter: 999_999_999, due: 0 }, 3)).toBe(
      'foreign',
    );
    // The next counter may just have been sent on another thread; only the end of the run shows.
    expect(check.arrived(reader, { conversation: 0, writer: 1, counter: 0, due: 0 }, 4)).toBe('new');
    expect(check.verify([], () => true)).toMatchObject({ expected: 0, lost: 0, invented: 1 });
    const nobody: Population = { conversations: [], writerCount: 0, fanout: 0, slow: new Set() };
    expect(new DeliveryCheck(nobody, () => true, new Int32Array(0), true).verify([], () => true)).toEqual({
      ...{ expected: 0, lost: 0, invented: 0, diverged: 0, examples: [] },
    });
  });

  it('detects an answer whose id is not larger than all ids before it', () => {
    const check = new DeliveryCheck(POPULATION, () => true, new Int32Array(POPULATION.writerCount), true);
    const author = check.readerOf(0);
    for (const counter of [0, 1, 2]) expect(check.nextCounter(0)).toBe(counter);
    check.acknowledged(author, 0, 0, 50, false);
    check.acknowledged(author, 0, 1, 40, true);
    expect(check.reordered).toBe(0);
    check.acknowledged(author, 0, 2, 50, false);
    expect([check.reordered, check.examples]).toEqual([
      1,
      ['user 0 was given id 50 for a message after it had seen id 50'],
    ]);
  });
});
