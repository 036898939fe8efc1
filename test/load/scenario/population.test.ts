import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makePopulation, threadOf } from '../../../src/load/scenario/population.ts';
import { anyScenario, scenarioOf } from './scenarios.ts';

const seed = fc.nat(1_000_000);

describe('a population', () => {
  it('depends on nothing but scenario and seed', () => {
    fc.assert(
      fc.property(anyScenario, seed, (scenario, number) => {
        expect(makePopulation(scenario, number, 'abcdef')).toEqual(
          makePopulation(scenario, number, 'abcdef'),
        );
      }),
    );
    const mixed = scenarioOf({
      users: 100,
      groups: [{ kind: 'rooms', size: 10, perUser: 2 }],
      slowShare: 0.5,
    });
    expect(makePopulation(mixed, 1, 'abcdef').conversations).not.toEqual(
      makePopulation(mixed, 2, 'abcdef').conversations,
    );
    expect(makePopulation(mixed, 1, 'abcdef').slow).not.toEqual(makePopulation(mixed, 2, 'abcdef').slow);
  });

  it('puts each user in the right number of rooms and in one pair', () => {
    fc.assert(
      fc.property(anyScenario, seed, (scenario, number) => {
        const { users, groups } = scenario;
        const { conversations } = makePopulation(scenario, number, 'abcdef');
        for (const [index, group] of groups.entries()) {
          const own = conversations.filter((conversation) => conversation.group === index);
          const times = Array.from({ length: users }, () => 0);
          for (const { members } of own) {
            expect(new Set(members).size).toBe(members.length);
            for (const user of members) times[user] = (times[user] ?? 0) + 1;
          }
          const wanted = group.kind === 'pairs' ? 1 : Math.min(group.perUser, users);
          // A conversation needs two users, so with an odd number one user has no pair.
          const loners = group.kind === 'pairs' ? users % 2 : users === 1 ? 1 : 0;
          expect(times.filter((count) => count !== wanted)).toEqual(Array(loners).fill(0));
        }
      }),
    );
  });

  it('has conversations of the right size, with consecutive writer ids', () => {
    fc.assert(
      fc.property(anyScenario, seed, (scenario, number) => {
        const { conversations, writerCount, fanout } = makePopulation(scenario, number, 'abcdef');
        let nextWriterId = 0;
        let deliveries = 0;
        for (const [index, conversation] of conversations.entries()) {
          const { members, writers, firstWriterId, room } = conversation;
          const group = scenario.groups[conversation.group];
          expect([conversation.index, firstWriterId]).toEqual([index, nextWriterId]);
          nextWriterId += writers;
          deliveries += writers * (members.length - 1);
          if (group?.kind === 'rooms') {
            expect(members.length).toBeGreaterThan(1);
            expect(members.length).toBeLessThanOrEqual(group.size + 1);
            expect(writers).toBe(Math.min(group.writers ?? members.length, members.length));
          } else expect([members.length, writers, room]).toEqual([2, 2, undefined]);
        }
        expect(writerCount).toBe(nextWriterId);
        expect(fanout).toBeCloseTo(nextWriterId === 0 ? 0 : deliveries / nextWriterId);
        const rooms = conversations.flatMap(({ room }) => room ?? []);
        expect(new Set(rooms).size).toBe(rooms.length);
      }),
    );
  });

  it('has the right number of slow readers', () => {
    fc.assert(
      fc.property(anyScenario, seed, (scenario, number) => {
        const { slow } = makePopulation(scenario, number, 'abcdef');
        expect(slow.size).toBe(Math.round(scenario.users * scenario.slowShare));
        for (const user of slow) expect(user).toBeLessThan(scenario.users);
      }),
    );
  });

  it('puts neighbours on the same thread, and equally many users on each', () => {
    const counts = [0, 0, 0];
    for (let user = 0; user < 600; user += 2) {
      const thread = threadOf(user, 3);
      expect(threadOf(user + 1, 3)).toBe(thread);
      counts[thread] = (counts[thread] ?? 0) + 2;
    }
    expect(counts).toEqual([200, 200, 200]);
  });
});
