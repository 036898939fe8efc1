import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { now } from '../../../src/load/generator/clock.ts';
import {
  makeSendSchedule,
  type SendSchedule,
  type Writer,
} from '../../../src/load/generator/send-schedule.ts';
import { type Conversation, makePopulation } from '../../../src/load/scenario/population.ts';
import { fullRate, type Scenario } from '../../../src/load/scenario/scenario.ts';
import { anyScenario, scenarioOf } from '../scenario/scenarios.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

interface Sent {
  readonly writer: Writer;
  readonly due: number;
}

/** The schedules of all threads, without a server. `send` is called instead. */
function makeSchedules(scenario: Scenario, threads: number, send: (sent: Sent) => boolean): SendSchedule[] {
  const population = makePopulation(scenario, 5, 'abcdef');
  return Array.from({ length: threads }, (_, thread) =>
    makeSendSchedule(scenario, population, 5, thread, threads, String, (writer, due) =>
      send({ writer, due }),
    ),
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

  function run(threads: number, rates: readonly number[] = [1]): Sent[] {
    const all: Sent[] = [];
    let early = 0;
    const schedules = makeSchedules(scenario, threads, (sent) => {
      if (sent.due > now()) early += 1;
      all.push(sent);
      return true;
    });
    for (const rate of rates) {
      for (const schedule of schedules) schedule.start(rate);
      vi.advanceTimersByTime(SECONDS * 1_000);
    }
    for (const schedule of schedules) schedule.stop();
    const count = all.length;
    vi.advanceTimersByTime(5_000);
    expect([all.length, early]).toEqual([count, 0]);
    return all.toSorted((a, b) => a.due - b.due);
  }

  it.each([1, 3])('sends as many messages as are due, on %d threads in total', (threads) => {
    expect(fullRate(scenario)).toBe(RATE);
    // The standard deviation of 90,000 is 300.
    expect(Math.abs(run(threads).length - RATE * SECONDS)).toBeLessThan(1_200);
    const spiked = run(threads, [0.5, 0, 2]).length;
    expect(Math.abs(spiked - 2.5 * RATE * SECONDS)).toBeLessThan(2_000);
  });

  it('sends at random times, with exponentially distributed gaps', () => {
    const due = run(3).map((sent) => sent.due / 1_000);
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

  it('gives each group its weight, and each writer of a group the same rate', () => {
    const all = run(2);
    const pairs = all.filter(({ writer }) => writer.conversation.group === 0);
    expect(pairs.length / all.length).toBeCloseTo(0.75, 2);
    const population = makePopulation(scenario, 5, 'abcdef');
    const times = Array.from({ length: population.writerCount }, () => 0);
    for (const { writer } of all) times[writer.id] = (times[writer.id] ?? 0) + 1;
    for (const { writer } of all.slice(0, 500)) {
      expect(writer.conversation.members[writer.index]).toBe(writer.user);
      expect(writer.id).toBe(writer.conversation.firstWriterId + writer.index);
    }
    // 300 writers in pairs send 225 messages each, and 240 in rooms send 94: plus or minus five standard deviations.
    const [inPairs, inRooms] = [times.slice(0, 300), times.slice(300)];
    expect(inRooms).toHaveLength(240);
    expect([Math.min(...inPairs) > 150, Math.max(...inPairs) < 300]).toEqual([true, true]);
    expect([Math.min(...inRooms) > 45, Math.max(...inRooms) < 145]).toEqual([true, true]);
  });

  it('keeps to the due times of messages when its thread is blocked', async () => {
    vi.useRealTimers();
    const late: number[] = [];
    const began = now();
    const schedules = makeSchedules(scenario, 1, ({ due }) => {
      late.push((now() - due) / 1_000);
      return true;
    });
    for (const schedule of schedules) schedule.start(1);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (const schedule of schedules) schedule.stop();
    const seconds = (now() - began) / 1_000_000;
    expect(late.length).toBeGreaterThan(0.8 * RATE * seconds);
    expect(Math.max(...late)).toBeGreaterThan(280);
    expect(late.reduce((a, b) => a + b, 0) / late.length).toBeGreaterThan(100);
  });

  it('sends nothing if nobody can', () => {
    const alone = scenarioOf({
      users: 1,
      groups: [{ kind: 'pairs' }],
      talk: { loop: 'open', perUserPerMinute: 60 },
    });
    const [schedule] = makeSchedules(alone, 1, () => expect.unreachable());
    schedule?.start(1);
    vi.advanceTimersByTime(10_000);
  });
});

describe('a closed loop', () => {
  /** A server that holds the messages in flight, by conversation, oldest first. */
  class Server {
    readonly inFlight = new Map<number, Sent[]>();
    readonly schedules: SendSchedule[];
    /** Users who are offline. */
    readonly away = new Set<number>();
    readonly #drivers = new Map<number, number>();
    readonly #threads: number;

    constructor(scenario: Scenario, threads: number) {
      this.#threads = threads;
      const population = makePopulation(scenario, 5, 'abcdef');
      this.schedules = Array.from({ length: threads }, (_, thread) =>
        makeSendSchedule(scenario, population, 5, thread, threads, String, (writer, due) => {
          if (this.away.has(writer.user)) return false;
          const { index } = writer.conversation;
          // Only one thread drives a conversation.
          expect(this.#drivers.get(index) ?? thread).toBe(thread);
          this.#drivers.set(index, thread);
          this.inFlight.set(index, [...(this.inFlight.get(index) ?? []), { writer, due }]);
          return true;
        }),
      );
    }

    start(): void {
      for (const schedule of this.schedules) schedule.start(1);
    }

    /** Delivers the oldest message of a conversation to all its readers. */
    deliver(index: number): void {
      const sent = this.#take(index);
      if (sent !== undefined) this.deliverNow(sent);
    }

    deliverNow({ writer, due }: Sent): void {
      const { conversation, user, index } = writer;
      for (const reader of conversation.members) {
        if (reader !== user) this.#scheduleOf(reader).arrived(conversation, reader, index, Math.floor(due));
      }
    }

    refuse(index: number): void {
      const sent = this.#take(index);
      if (sent !== undefined) this.#scheduleOf(sent.writer.user).refused(sent.writer.id, sent.due);
    }

    #scheduleOf(user: number): SendSchedule {
      const schedule = this.schedules[(user >> 1) % this.#threads];
      if (schedule === undefined) throw new Error('no such thread');
      return schedule;
    }

    #take(index: number): Sent | undefined {
      return this.inFlight.get(index)?.shift();
    }
  }

  /** Whether some thread has both a writer and another user who reads. */
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

  it('keeps a fixed number of messages in flight in each conversation, whether they are delivered or refused', () => {
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
        const population = makePopulation(closed, 5, 'abcdef');
        const server = new Server(closed, threads);
        const check = (): void => {
          for (const conversation of population.conversations) {
            const wanted = canBeDriven(conversation, threads, population.slow) ? inFlight : 0;
            expect(server.inFlight.get(conversation.index)?.length ?? 0).toBe(wanted);
          }
        };
        server.start();
        check();
        for (const { index, isRefused } of steps) {
          const one = index % Math.max(1, population.conversations.length);
          if (isRefused) server.refuse(one);
          else server.deliver(one);
          check();
        }
      }),
    );
  });

  const PAIR = scenarioOf({ users: 2, groups: [{ kind: 'pairs' }], talk: { loop: 'closed', inFlight: 3 } });

  it('restarts when nothing has arrived for long, and late arrivals do not add messages', () => {
    const server = new Server(PAIR, 1);
    server.start();
    for (let second = 0; second < 5; second += 1) {
      vi.advanceTimersByTime(1_000);
      for (const schedule of server.schedules) schedule.tick();
    }
    const all = server.inFlight.get(0) ?? [];
    expect(all).toHaveLength(6);
    for (const sent of all.splice(0, 3)) server.deliverNow(sent);
    expect(server.inFlight.get(0)).toHaveLength(3);
    for (let i = 0; i < 20; i += 1) server.deliver(0);
    expect(server.inFlight.get(0)).toHaveLength(3);
  });

  it('lets the writers take turns, and skips those who are offline', () => {
    const server = new Server({ ...PAIR, talk: { loop: 'closed', inFlight: 1 } }, 1);
    const writer = (): number | undefined => server.inFlight.get(0)?.[0]?.writer.user;
    server.start();
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

  it('stops once the messages in flight have arrived', () => {
    const server = new Server(PAIR, 1);
    server.start();
    for (const schedule of server.schedules) schedule.stop();
    for (let i = 0; i < 3; i += 1) server.deliver(0);
    expect(server.inFlight.get(0)).toEqual([]);
  });
});
