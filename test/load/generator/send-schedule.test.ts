import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { now } from '../../../src/load/generator/clock.ts';
import { startTalk, type Talk, type Voice } from '../../../src/load/generator/send-schedule.ts';
import { type Conversation, makeCast } from '../../../src/load/scenario/population.ts';
import { fullRate, type Scenario } from '../../../src/load/scenario/scenario.ts';
import { anyScenario, scenarioOf } from '../scenario/scenarios.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

interface Said {
  readonly voice: Voice;
  readonly due: number;
}

/** All threads together, without a server: what is said is noted. */
function startThreads(scenario: Scenario, threads: number, say: (said: Said) => boolean): Talk[] {
  const cast = makeCast(scenario, 5, 'abcdef');
  return Array.from({ length: threads }, (_, thread) =>
    startTalk(scenario, cast, 5, thread, threads, String, (voice, due) => say({ voice, due })),
  );
}

describe('an open loop', () => {
  const RATE = 3_000;
  const SECONDS = 30;
  const scenario = scenarioOf({
    users: 300,
    groups: [
      { kind: 'pairs', weight: 3 },
      { kind: 'rooms', size: 10, perUser: 2, writers: 4, weight: 1 },
    ],
    talk: { loop: 'open', perUserPerMinute: (RATE * 60) / 300 },
  });

  function listen(threads: number, rates: readonly number[] = [1]): Said[] {
    const all: Said[] = [];
    let early = 0;
    const talks = startThreads(scenario, threads, (said) => {
      if (said.due > now()) early += 1;
      all.push(said);
      return true;
    });
    for (const rate of rates) {
      for (const talk of talks) talk.begin(rate);
      vi.advanceTimersByTime(SECONDS * 1_000);
    }
    for (const talk of talks) talk.silence();
    const count = all.length;
    vi.advanceTimersByTime(5_000);
    expect([all.length, early]).toEqual([count, 0]);
    return all.toSorted((a, b) => a.due - b.due);
  }

  it.each([1, 3])('says as much as is due, on %d threads together', (threads) => {
    expect(fullRate(scenario)).toBe(RATE);
    // Of 90,000 drawn at random 300 more or less are usual.
    expect(Math.abs(listen(threads).length - RATE * SECONDS)).toBeLessThan(1_200);
    const spiked = listen(threads, [0.5, 0, 2]).length;
    expect(Math.abs(spiked - 2.5 * RATE * SECONDS)).toBeLessThan(2_000);
  });

  it('says it at random moments: the time to the next does not depend on the last', () => {
    const due = listen(3).map((said) => said.due / 1_000);
    const gaps = due.slice(1).map((time, index) => time - (due[index] ?? 0));
    const mean = gaps.reduce((a, b) => a + b, 0) / gaps.length;
    expect(mean).toBeCloseTo(1_000 / RATE, 2);
    const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
    expect(deviation / mean).toBeCloseTo(1, 1);
    for (const times of [0.5, 1, 2, 4]) {
      const share = gaps.filter((gap) => gap > times * mean).length / gaps.length;
      expect(share, `longer than ${times} times the mean`).toBeCloseTo(Math.exp(-times), 2);
    }
  });

  it('gives each group its weight, and each voice of a group as much as the others', () => {
    const all = listen(2);
    const pairs = all.filter(({ voice }) => voice.conversation.group === 0);
    expect(pairs.length / all.length).toBeCloseTo(0.75, 2);
    const cast = makeCast(scenario, 5, 'abcdef');
    const times = Array.from({ length: cast.voices }, () => 0);
    for (const { voice } of all) times[voice.number] = (times[voice.number] ?? 0) + 1;
    for (const { voice } of all.slice(0, 500)) {
      expect(voice.conversation.members[voice.writer]).toBe(voice.user);
      expect(voice.number).toBe(voice.conversation.firstVoice + voice.writer);
    }
    // 300 voices in pairs say 225 each, and 240 in rooms 94: five deviations more or less.
    const [inPairs, inRooms] = [times.slice(0, 300), times.slice(300)];
    expect(inRooms).toHaveLength(240);
    expect([Math.min(...inPairs) > 150, Math.max(...inPairs) < 300]).toEqual([true, true]);
    expect([Math.min(...inRooms) > 45, Math.max(...inRooms) < 145]).toEqual([true, true]);
  });

  it('keeps to the times at which messages are due when its thread comes to it late', async () => {
    vi.useRealTimers();
    const late: number[] = [];
    const began = now();
    const talks = startThreads(scenario, 1, ({ due }) => {
      late.push((now() - due) / 1_000);
      return true;
    });
    for (const talk of talks) talk.begin(1);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (const talk of talks) talk.silence();
    const seconds = (now() - began) / 1_000_000;
    expect(late.length).toBeGreaterThan(0.8 * RATE * seconds);
    expect(Math.max(...late)).toBeGreaterThan(280);
    expect(late.reduce((a, b) => a + b, 0) / late.length).toBeGreaterThan(100);
  });

  it('says nothing if nobody can', () => {
    const alone = scenarioOf({
      users: 1,
      groups: [{ kind: 'pairs' }],
      talk: { loop: 'open', perUserPerMinute: 60 },
    });
    const [talk] = startThreads(alone, 1, () => expect.unreachable());
    talk?.begin(1);
    vi.advanceTimersByTime(10_000);
  });
});

describe('a closed loop', () => {
  /** A server that has what is under way, by conversation, oldest first. */
  class Server {
    readonly underWay = new Map<number, Said[]>();
    readonly talks: Talk[];
    /** Writers whose connection is away. */
    readonly away = new Set<number>();
    readonly #drivers = new Map<number, number>();
    readonly #threads: number;

    constructor(scenario: Scenario, threads: number) {
      this.#threads = threads;
      const cast = makeCast(scenario, 5, 'abcdef');
      this.talks = Array.from({ length: threads }, (_, thread) =>
        startTalk(scenario, cast, 5, thread, threads, String, (voice, due) => {
          if (this.away.has(voice.user)) return false;
          const { index } = voice.conversation;
          // Nobody else drives it.
          expect(this.#drivers.get(index) ?? thread).toBe(thread);
          this.#drivers.set(index, thread);
          this.underWay.set(index, [...(this.underWay.get(index) ?? []), { voice, due }]);
          return true;
        }),
      );
    }

    begin(): void {
      for (const talk of this.talks) talk.begin(1);
    }

    /** The oldest message of a conversation arrives at all of its readers. */
    deliver(index: number): void {
      const said = this.#take(index);
      if (said !== undefined) this.deliverNow(said);
    }

    deliverNow({ voice, due }: Said): void {
      const { conversation, user, writer } = voice;
      for (const reader of conversation.members) {
        if (reader !== user) this.#threadOf(reader).arrived(conversation, reader, writer, Math.floor(due));
      }
    }

    refuse(index: number): void {
      const said = this.#take(index);
      if (said !== undefined) this.#threadOf(said.voice.user).refused(said.voice.number, said.due);
    }

    #threadOf(user: number): Talk {
      const talk = this.talks[(user >> 1) % this.#threads];
      if (talk === undefined) throw new Error('no such thread');
      return talk;
    }

    #take(index: number): Said | undefined {
      return this.underWay.get(index)?.shift();
    }
  }

  /** Whether one thread has a writer, and somebody else who reads. */
  function canBeDriven(
    { members, writers }: Conversation,
    threads: number,
    slow: ReadonlySet<number>,
  ): boolean {
    const threadOf = (user: number): number => (user >> 1) % threads;
    return members
      .slice(0, writers)
      .some((user) =>
        members.some((other) => other !== user && !slow.has(other) && threadOf(other) === threadOf(user)),
      );
  }

  it('keeps exactly as many under way in each conversation, whatever becomes of them', () => {
    const step = fc.record({ index: fc.nat(1_000), isRefused: fc.boolean() });
    const given = fc.record({
      scenario: anyScenario,
      inFlight: fc.integer({ min: 1, max: 5 }),
      threads: fc.integer({ min: 1, max: 3 }),
      steps: fc.array(step, { maxLength: 50 }),
    });
    fc.assert(
      fc.property(given, ({ scenario, inFlight, threads, steps }) => {
        const closed: Scenario = { ...scenario, talk: { loop: 'closed', inFlight } };
        const cast = makeCast(closed, 5, 'abcdef');
        const server = new Server(closed, threads);
        const check = (): void => {
          for (const conversation of cast.conversations) {
            const wanted = canBeDriven(conversation, threads, cast.slow) ? inFlight : 0;
            expect(server.underWay.get(conversation.index)?.length ?? 0).toBe(wanted);
          }
        };
        server.begin();
        check();
        for (const { index, isRefused } of steps) {
          const one = index % Math.max(1, cast.conversations.length);
          if (isRefused) server.refuse(one);
          else server.deliver(one);
          check();
        }
      }),
    );
  });

  const PAIR = scenarioOf({ users: 2, groups: [{ kind: 'pairs' }], talk: { loop: 'closed', inFlight: 3 } });

  it('begins anew when nothing has arrived for long, and what arrives late does not make it more', () => {
    const server = new Server(PAIR, 1);
    server.begin();
    for (let second = 0; second < 5; second += 1) {
      vi.advanceTimersByTime(1_000);
      for (const talk of server.talks) talk.tick();
    }
    const all = server.underWay.get(0) ?? [];
    expect(all).toHaveLength(6);
    for (const said of all.splice(0, 3)) server.deliverNow(said);
    expect(server.underWay.get(0)).toHaveLength(3);
    for (let i = 0; i < 20; i += 1) server.deliver(0);
    expect(server.underWay.get(0)).toHaveLength(3);
  });

  it('lets the writers take turns, and passes over who is away', () => {
    const server = new Server({ ...PAIR, talk: { loop: 'closed', inFlight: 1 } }, 1);
    const writer = (): number | undefined => server.underWay.get(0)?.[0]?.voice.user;
    server.begin();
    const seen = [0, 1, 2, 3].map(() => {
      const user = writer();
      server.deliver(0);
      return user;
    });
    expect(seen).toEqual([0, 1, 0, 1]);
    server.away.add(1);
    server.deliver(0);
    expect(writer()).toBe(0);
    server.deliver(0);
    expect(writer()).toBe(0);
  });

  it('ends with what is under way', () => {
    const server = new Server(PAIR, 1);
    server.begin();
    for (const talk of server.talks) talk.silence();
    for (let i = 0; i < 3; i += 1) server.deliver(0);
    expect(server.underWay.get(0)).toEqual([]);
  });
});
