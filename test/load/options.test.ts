import { describe, expect, it } from 'vitest';
import { adjust, type LoadOptions } from '../../src/load/options.ts';
import { fullRate, isMeasured, type Scenario } from '../../src/load/scenario/scenario.ts';
import { SCENARIOS } from '../../src/load/scenario/scenarios.ts';

const USUAL: LoadOptions = {
  scenario: 'office',
  protocol: 'parley',
  expect: [],
  abortOnFail: false,
  quiet: false,
};

function officeWith(options: Partial<LoadOptions>): Scenario {
  const adjusted = adjust(office(), { ...USUAL, ...options });
  if (adjusted.type === 'refused') throw new Error(adjusted.text);
  return adjusted.scenario;
}

function office(): Scenario {
  const scenario = SCENARIOS.get('office');
  if (scenario === undefined) throw new Error('there is no office');
  return scenario;
}

const measuredSeconds = ({ phases }: Scenario): number =>
  phases.filter(isMeasured).reduce((sum, { seconds }) => sum + seconds, 0);

describe('options applied to a scenario', () => {
  it('nothing, if there are none', () => {
    expect(officeWith({})).toEqual(office());
  });

  it('more users, who each write as much as before', () => {
    const doubled = officeWith({ users: 2 * office().users });
    expect(fullRate(doubled)).toBeCloseTo(2 * fullRate(office()));
  });

  it('a rate of all together, however many they are', () => {
    expect(fullRate(officeWith({ rate: 123 }))).toBeCloseTo(123);
    expect(fullRate(officeWith({ rate: 123, users: 7 }))).toBeCloseTo(123);
  });

  it('a closed loop', () => {
    expect(officeWith({ closed: 3 }).talk).toEqual({ loop: 'closed', inFlight: 3 });
  });

  it('all rooms of that size, and pairs stay pairs', () => {
    const groups = officeWith({ room: 4 }).groups;
    expect(groups.map((group) => (group.kind === 'rooms' ? group.size : 2))).toEqual([4, 4, 2]);
  });

  it('measured phases of so many seconds, in the same proportion; the ramp and the warm-up as they were', () => {
    const short = officeWith({ seconds: 7 });
    expect(measuredSeconds(short)).toBeCloseTo(7);
    expect(short.phases.map(({ seconds }) => seconds)).toEqual([10, 5, 4, 1, 2]);
  });

  it('longer texts', () => {
    expect(officeWith({ text: 500 }).textBytes).toBe(500);
  });

  it.each([
    [{ rate: 5, closed: 5 }, /--rate and --closed exclude each other/],
    [{ rate: 5, users: 0 }, /^users: a single user has nobody to write to/],
    [{ rate: 0 }, /^talk: nobody writes in the measured phases/],
    [{ room: 100_000, users: 100_000 }, /^groups: [\d,]+ pairs of a writer and a reader are too many/],
    [{ text: 47 }, /--text must be at least 48 bytes/],
    [{ users: 2_000_000 }, /^users: /],
    [{ rate: 1e7, users: 1 }, /^talk.perUserPerMinute: /],
  ])('%j is refused', (options, why) => {
    expect(adjust(office(), { ...USUAL, ...options })).toMatchObject({
      type: 'refused',
      text: expect.stringMatching(why),
    });
  });
});
