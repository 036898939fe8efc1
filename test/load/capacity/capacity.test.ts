import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerOf, describeStep } from '../../../src/load/capacity/answer.ts';
import { search, takeStep } from '../../../src/load/capacity/search.ts';
import { type Finding, findingOf, type Step } from '../../../src/load/capacity/step.ts';
import { sampleResult } from '../result/sample-result.ts';
import { scenarioOf } from '../scenario/scenarios.ts';

const CARRIED: Finding = { type: 'carried' };
const TOO_SLOW: Finding = { type: 'not_carried', why: 'too slow' };
const UNKNOWN: Finding = { type: 'unknown', why: 'timers were late' };
const FULL: Finding = { type: 'machine_full', why: 'both cores are busy' };
const FIRST = 250;

function stepOf(users: number, finding: Finding): Step {
  return { users, result: undefined, finding };
}

const isGood = ({ finding }: Step): boolean => finding.type === 'carried';

/** What comes of each number of users. */
async function searchThrough(
  findingAt: (users: number) => Finding,
  { first = FIRST, most = 10_000 }: { first?: number; most?: number } = {},
): Promise<readonly Step[]> {
  let steps = 0;
  const step = async (users: number): Promise<Step> => {
    steps += 1;
    if (steps > 60) throw new Error(`no end: ${users}, at most ${most}`);
    return stepOf(users, findingAt(users));
  };
  const outcome = await search(step, first, most, new AbortController().signal);
  return outcome.type === 'steps' ? outcome.steps : [];
}

function searchUpTo(carried: number, most: number, first = FIRST): Promise<readonly Step[]> {
  return searchThrough((users) => (users <= carried ? CARRIED : TOO_SLOW), { first, most });
}

describe('the search', () => {
  it('finds how many a server carries, to an eighth or to one user', async () => {
    const given = fc.tuple(
      fc.integer({ min: 0, max: 100_000 }),
      fc.integer({ min: 2, max: 100_000 }),
      fc.integer({ min: 2, max: 100_000 }),
    );
    await fc.assert(
      fc.asyncProperty(given, async ([carried, most, first]) => {
        const steps = await searchUpTo(carried, most, first);
        const users = steps.map((step) => step.users);
        const good = Math.max(0, ...steps.filter(isGood).map((step) => step.users));
        const bad = Math.min(...steps.filter((step) => !isGood(step)).map((step) => step.users));
        expect(good).toBeLessThanOrEqual(Math.min(carried, most));
        if (carried >= most) expect(good).toBe(most);
        else expect(bad <= Math.max(2, good + 1, good * 1.125), `${good} and ${bad}`).toBe(true);
        // None is tried twice, none beyond what is possible, and nobody is left alone.
        expect(new Set(users).size).toBe(users.length);
        expect(Math.max(...users)).toBeLessThanOrEqual(most);
        expect(Math.min(...users)).toBeGreaterThanOrEqual(2);
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
      return stepOf(users, CARRIED);
    };
    expect(await search(step, FIRST, 1_000, interrupted.signal)).toEqual({ type: 'interrupted' });
  });

  it('ends when the server has gone away', async () => {
    const gone = sampleResult({ change: () => ({ ended: 'server_gone' }) });
    const step = async (users: number): Promise<Step> =>
      users < 1_000 ? stepOf(users, CARRIED) : { users, result: gone, finding: findingOf(gone) };
    const outcome = await search(step, FIRST, 10_000, new AbortController().signal);
    expect(outcome).toMatchObject({
      type: 'steps',
      steps: [{ users: 250 }, { users: 500 }, { users: 1_000 }],
    });
  });

  it('ends on an unknown step, and continues when the machine is saturated', async () => {
    const found = await searchThrough((users) => (users < 1_000 ? CARRIED : UNKNOWN));
    expect(found.map(({ users }) => users)).toEqual([250, 500, 1_000]);
    const full = await searchThrough((users) => (users < 900 ? CARRIED : FULL));
    expect(full.map(({ users }) => users)).toEqual([250, 500, 1_000, 750, 875, 938]);
  });
});

describe('a step', () => {
  /** Takes a step whose attempts have these findings. */
  async function take(...findings: readonly Finding[]) {
    const pauses: number[] = [];
    const left = [...findings];
    const step = await takeStep(
      async () => stepOf(2, left.shift() ?? CARRIED),
      async (ms) => void pauses.push(ms),
      new AbortController().signal,
    );
    return { type: step.finding.type, pauses, left: left.length };
  }

  it('is repeated after a pause while it is not valid, but not for ever', async () => {
    expect(await take(CARRIED)).toEqual({ type: 'carried', pauses: [], left: 0 });
    expect(await take(TOO_SLOW)).toEqual({ type: 'not_carried', pauses: [], left: 0 });
    expect(await take(UNKNOWN, CARRIED)).toMatchObject({ type: 'carried', pauses: [3_000] });
    expect(await take(UNKNOWN, UNKNOWN, TOO_SLOW)).toMatchObject({
      type: 'not_carried',
      pauses: [3_000, 10_000],
    });
    expect(await take(UNKNOWN, UNKNOWN, UNKNOWN, CARRIED)).toEqual({
      ...{ type: 'unknown', pauses: [3_000, 10_000], left: 1 },
    });
    expect(await take(FULL, FULL, CARRIED)).toEqual({ type: 'machine_full', pauses: [3_000], left: 1 });
  });

  it('is not repeated after an interrupt', async () => {
    const interrupted = new AbortController();
    let taken = 0;
    const take = async (): Promise<Step> => {
      taken += 1;
      return stepOf(2, UNKNOWN);
    };
    await takeStep(take, async () => interrupted.abort(), interrupted.signal);
    expect(taken).toBe(1);
  });

  it('shows no latency that is not valid', () => {
    const result = sampleResult();
    expect(describeStep({ users: 500, result, finding: CARRIED })).toMatch(/^500 users: p99 [\d.]+ ms, /);
    expect(describeStep({ users: 500, result, finding: UNKNOWN })).toBe(
      '500 users – not valid: timers were late',
    );
  });
});

describe('the answer', () => {
  const scenario = scenarioOf({
    users: 1,
    groups: [{ kind: 'rooms', size: 25 }, { kind: 'pairs' }],
    talk: { loop: 'open', perUserPerMinute: 6 },
  });
  const good = { users: 1_000, result: sampleResult(), finding: CARRIED };
  const answer = (...steps: readonly Step[]) => answerOf(scenario, steps, 'here');

  it('names the number of users, their behaviour and the bottleneck', () => {
    const { text, exitCode } = answer(good, stepOf(1_100, { type: 'not_carried', why: 'it is 200 ms' }));
    expect(text).toMatch(
      /^The server at here carries about 1,000 users who each write 6 messages per minute in rooms of 25 and in pairs \([\d,]+ messages and [\d,]+ deliveries per second\)\. With 1,100, it is 200 ms\.$/,
    );
    expect(exitCode).toBe(0);
    expect(answer(good)).toMatchObject({ text: expect.stringContaining('More were not tried'), exitCode: 0 });
  });

  it('says that a server does not carry its users only if that was measured', () => {
    expect(answer(stepOf(2, TOO_SLOW))).toMatchObject({
      text: expect.stringContaining('does not carry 2 users'),
      exitCode: 0,
    });
    for (const finding of [UNKNOWN, FULL]) {
      const { text, exitCode } = answer(stepOf(4, finding), stepOf(2, finding));
      expect(text).toMatch(
        /^It is unknown how many users the server at here carries, because this machine is too busy\. /,
      );
      expect(text).not.toContain('does not carry');
      expect(exitCode).toBe(75);
    }
  });

  it('gives a lower bound if more is unknown', () => {
    const unknown = answer(good, stepOf(2_000, UNKNOWN));
    expect(unknown.text).toMatch(
      /carries at least 1,000 users .*Whether it carries 2,000 is unknown, because this machine is too busy: timers were late\.$/,
    );
    expect(unknown.exitCode).toBe(75);
    const full = answer(good, stepOf(1_100, FULL));
    expect(full.text).toMatch(
      /carries at least 1,000 users .*With 1,100, this machine is saturated: both cores are busy\./,
    );
    expect(full.exitCode).toBe(0);
  });
});

describe('the bottleneck', () => {
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
  const missed = { expectations: [{ text: 'p99<1ms', value: 7, isMet: false }] };
  const late = { invalid: ['it is late'], expectations: [{ text: 'p99<1ms', value: 7, isMet: null }] };

  it.each([
    ['nothing', {}, CARRIED],
    ['a server that went away', { ended: 'server_gone' as const }, { type: 'not_carried', why: /went away/ }],
    [
      'lost messages, even in a run that is not valid',
      { correctness: { ...correctness, lost: 1 }, invalid: ['it is late'] },
      { type: 'not_carried', why: /were lost, repeated or out of order \(e\)/ },
    ],
    ['a threshold', missed, { type: 'not_carried', why: /^it is 7 ms: / }],
    ['something else on the machine', late, { type: 'unknown', why: /^it is late$/ }],
  ])('%s', (_, change, { type, ...rest }) => {
    const finding = findingOf(sampleResult({ change: () => change }));
    expect(finding).toEqual({ type, ...('why' in rest ? { why: expect.stringMatching(rest.why) } : {}) });
  });

  it('server and generator, which saturate the machine together', () => {
    const finding = findingOf(
      sampleResult({
        change: ({ usage, generator, figures: { seconds } }) => ({
          ...late,
          usage: usage && { ...usage, cpuSeconds: 1.2 * seconds },
          generator: { ...generator, cpuSeconds: 0.75 * seconds },
        }),
      }),
    );
    expect(finding).toEqual({
      type: 'machine_full',
      why: 'all 2 cores are busy; the server uses 120 % of one and this program 75 % of one',
    });
  });

  it('a server that lets only some users in', () => {
    const finding = findingOf(
      sampleResult({ change: ({ figures }) => ({ figures: { ...figures, connections: 7 } }) }),
    );
    expect(finding).toEqual({ type: 'not_carried', why: 'the server did not let all users in' });
  });
});
