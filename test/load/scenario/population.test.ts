import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeCast, threadOf } from '../../../src/load/scenario/population.ts';
import { anyScenario, scenarioOf } from './scenarios.ts';

const seed = fc.nat(1_000_000);

describe('a cast', () => {
  it('is the same for all who make it, and another for another seed', () => {
    fc.assert(
      fc.property(anyScenario, seed, (scenario, number) => {
        expect(makeCast(scenario, number, 'abcdef')).toEqual(makeCast(scenario, number, 'abcdef'));
      }),
    );
    const mixed = scenarioOf({
      users: 100,
      groups: [{ kind: 'rooms', size: 10, perUser: 2 }],
      slowShare: 0.5,
    });
    expect(makeCast(mixed, 1, 'abcdef').conversations).not.toEqual(
      makeCast(mixed, 2, 'abcdef').conversations,
    );
    expect(makeCast(mixed, 1, 'abcdef').slow).not.toEqual(makeCast(mixed, 2, 'abcdef').slow);
  });

  it('has everybody in as many rooms as is wanted, and in one pair', () => {
    fc.assert(
      fc.property(anyScenario, seed, (scenario, number) => {
        const { users, groups } = scenario;
        const { conversations } = makeCast(scenario, number, 'abcdef');
        for (const [index, group] of groups.entries()) {
          const own = conversations.filter((conversation) => conversation.group === index);
          const times = Array.from({ length: users }, () => 0);
          for (const { members } of own) {
            expect(new Set(members).size).toBe(members.length);
            for (const user of members) times[user] = (times[user] ?? 0) + 1;
          }
          const wanted = group.kind === 'pairs' ? 1 : Math.min(group.perUser, users);
          // Nobody can talk alone: of an odd number one has no pair.
          const loners = group.kind === 'pairs' ? users % 2 : users === 1 ? 1 : 0;
          expect(times.filter((count) => count !== wanted)).toEqual(Array(loners).fill(0));
        }
      }),
    );
  });

  it('has conversations of the right size, and their voices are numbered without a gap', () => {
    fc.assert(
      fc.property(anyScenario, seed, (scenario, number) => {
        const { conversations, voices, fanout } = makeCast(scenario, number, 'abcdef');
        let voice = 0;
        let deliveries = 0;
        for (const [index, conversation] of conversations.entries()) {
          const { members, writers, firstVoice, room } = conversation;
          const group = scenario.groups[conversation.group];
          expect([conversation.index, firstVoice]).toEqual([index, voice]);
          voice += writers;
          deliveries += writers * (members.length - 1);
          if (group?.kind === 'rooms') {
            expect(members.length).toBeGreaterThan(1);
            expect(members.length).toBeLessThanOrEqual(group.size + 1);
            expect(writers).toBe(Math.min(group.writers ?? members.length, members.length));
          } else expect([members.length, writers, room]).toEqual([2, 2, undefined]);
        }
        expect(voices).toBe(voice);
        expect(fanout).toBeCloseTo(voice === 0 ? 0 : deliveries / voice);
        const rooms = conversations.flatMap(({ room }) => room ?? []);
        expect(new Set(rooms).size).toBe(rooms.length);
      }),
    );
  });

  it('has as many slow readers as is wanted', () => {
    fc.assert(
      fc.property(anyScenario, seed, (scenario, number) => {
        const { slow } = makeCast(scenario, number, 'abcdef');
        expect(slow.size).toBe(Math.round(scenario.users * scenario.slowShare));
        for (const user of slow) expect(user).toBeLessThan(scenario.users);
      }),
    );
  });

  it('puts two neighbours on one thread, and as many on each', () => {
    const counts = [0, 0, 0];
    for (let user = 0; user < 600; user += 2) {
      const thread = threadOf(user, 3);
      expect(threadOf(user + 1, 3)).toBe(thread);
      counts[thread] = (counts[thread] ?? 0) + 2;
    }
    expect(counts).toEqual([200, 200, 200]);
  });
});
