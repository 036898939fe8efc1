import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeAnswer, limitOf, type Step, search } from '../../src/load/capacity.ts';
import { sampleResult } from './sample-result.ts';
import { scenarioOf } from './scenarios.ts';

/** A server that carries so many. */
async function searchUpTo(carried: number, most: number): Promise<readonly Step[]> {
  let steps = 0;
  const step = async (users: number): Promise<Step> => {
    steps += 1;
    if (steps > 60) throw new Error(`no end: ${users} of ${carried}, at most ${most}`);
    return { users, result: undefined, limit: users <= carried ? undefined : 'too slow' };
  };
  const outcome = await search(step, most, new AbortController().signal);
  return outcome.type === 'steps' ? outcome.steps : [];
}

describe('the search', () => {
  it('finds how many a server carries, to an eighth or to one user', async () => {
    const given = fc.tuple(fc.integer({ min: 0, max: 100_000 }), fc.integer({ min: 1, max: 100_000 }));
    await fc.assert(
      fc.asyncProperty(given, async ([carried, most]) => {
        const steps = await searchUpTo(carried, most);
        const good = Math.max(
          0,
          ...steps.filter(({ limit }) => limit === undefined).map(({ users }) => users),
        );
        const bad = Math.min(...steps.filter(({ limit }) => limit !== undefined).map(({ users }) => users));
        expect(good).toBeLessThanOrEqual(Math.min(carried, most));
        if (carried >= most) expect(good).toBe(most);
        else expect(bad <= Math.max(2, good + 1, good * 1.125), `${good} and ${bad}`).toBe(true);
        // None is tried twice, and none beyond what is possible.
        expect(new Set(steps.map(({ users }) => users)).size).toBe(steps.length);
        expect(Math.max(...steps.map(({ users }) => users))).toBeLessThanOrEqual(most);
      }),
      { numRuns: 500 },
    );
  });

  it('finds it for each small number', async () => {
    for (let carried = 0; carried < 300; carried += 1) {
      expect((await searchUpTo(carried, 1_000)).length).toBeGreaterThan(1);
    }
  });

  it('ends when it is interrupted', async () => {
    const interrupted = new AbortController();
    const step = async (users: number): Promise<Step> => {
      interrupted.abort();
      return { users, result: undefined, limit: undefined };
    };
    expect(await search(step, 1_000, interrupted.signal)).toEqual({ type: 'interrupted' });
  });

  it('ends when there is no server any more', async () => {
    const gone = sampleResult({ change: () => ({ ended: 'server_gone' }) });
    const step = async (users: number): Promise<Step> =>
      users < 1_000
        ? { users, result: undefined, limit: undefined }
        : { users, result: gone, limit: limitOf(gone) };
    const outcome = await search(step, 10_000, new AbortController().signal);
    expect(outcome).toMatchObject({
      type: 'steps',
      steps: [{ users: 250 }, { users: 500 }, { users: 1_000 }],
    });
  });
});

describe('the answer', () => {
  const scenario = scenarioOf({
    users: 10,
    groups: [{ kind: 'rooms', size: 25 }],
    talk: { loop: 'open', perUserPerMinute: 6 },
  });
  const good: Step = { users: 1_000, result: undefined, limit: undefined };
  const bad: Step = { users: 1_100, result: undefined, limit: 'it is slow' };

  it('names what was carried, what was not, and why', () => {
    expect(describeAnswer(scenario, [good, { ...good, users: 500 }, bad], 'here')).toBe(
      'The server at here carries about 1,000 users who each write 6 messages a minute in rooms of 25. With 1,100, it is slow.',
    );
  });

  it('if nothing was carried, and if all was', () => {
    expect(describeAnswer(scenario, [bad], 'here')).toContain('does not carry 1,100 users');
    expect(describeAnswer(scenario, [good], 'here')).toContain('More were not tried');
  });
});

describe('what stood in the way', () => {
  const correctness = {
    expected: 9,
    delivered: 8,
    repeated: 0,
    reordered: 0,
    diverged: 0,
    foreign: 0,
    unknown: 0,
    examples: ['e'],
  };

  it.each([
    ['nothing', {}, undefined],
    ['a server that went away', { ended: 'server_gone' as const }, /went away/],
    ['losses', { correctness: { ...correctness, lost: 1 } }, /got lost or came twice \(e\)/],
    ['a threshold', { expectations: [{ text: 'p99<1ms', value: 7, isMet: false }] }, /^it is 7 ms: /],
    ['the generator', { invalid: ['it is full'] }, /^the generator does not keep up: it is full/],
  ])('%s', (_, change, why) => {
    const limit = limitOf(sampleResult({ change: () => change }));
    if (why === undefined) expect(limit).toBeUndefined();
    else expect(limit).toMatch(why);
  });

  it('a server that lets only some in', () => {
    const limit = limitOf(
      sampleResult({ change: ({ figures }) => ({ figures: { ...figures, connections: 7 } }) }),
    );
    expect(limit).toBe('the server did not let everybody in');
  });
});
