import { describe, expect, it } from 'vitest';
import type { Result } from '../../../src/load/result/result.ts';
import { judge } from '../../../src/load/result/validity.ts';
import type { Scenario } from '../../../src/load/scenario/scenario.ts';
import { sampleResult } from './sample-result.ts';

const OPEN = { loop: 'open', perUserPerMinute: 6 } as const;
const CLOSED = { loop: 'closed', inFlight: 64 } as const;

interface Given {
  readonly talk: Scenario['talk'];
  /** Of the generator's busiest thread: the part of the time on a CPU, and at work. */
  readonly share?: number;
  readonly busy?: number;
  /** Of the server's; null if its process is not known. */
  readonly server?: number | null;
  readonly late?: number;
  readonly delayP99?: number;
}

function judged({ talk, share = 0.1, busy = share, server = 0.1, late = 0, delayP99 = 1 }: Given): string[] {
  return judge(
    sampleResult({
      change: ({ scenario, figures, generator, usage }): Partial<Result> => ({
        scenario: { ...scenario, talk },
        figures: { ...figures, due: 1_000, late },
        generator: { ...generator, busy, busiestShare: share, delayP99 },
        usage:
          usage === null || server === null
            ? null
            : { ...usage, busiestThread: { name: 'shard-1', share: server } },
      }),
    }),
  );
}

describe('a closed loop', () => {
  it.each<[string, Omit<Given, 'talk'>, RegExp | undefined]>([
    [
      'is limited by the generator where that needs more time for its part',
      { share: 0.8, server: 0.3 },
      /waits for the generator/,
    ],
    ['is limited by it however little that is', { share: 0.71, server: 0.7 }, /waits for the generator/],
    ['is limited by the server where that needs more', { share: 0.7, server: 0.71 }, undefined],
    ['is limited by the server where that is full', { share: 0.9, busy: 1, server: 0.98 }, undefined],
    [
      'is limited by something else, such as a disk, where both mostly wait',
      { share: 0.4, server: 0.2 },
      undefined,
    ],
    [
      'is limited by a full generator also where nothing is known of the server',
      { share: 0.97, server: null },
      /at work for 97 %/,
    ],
    ['is not limited by one that has time left', { share: 0.9, server: null }, undefined],
    // On a machine that is busy with something else.
    [
      'is limited by a generator that waits for a core',
      { share: 0.4, busy: 0.97, server: 0.3 },
      /at work for 97 %/,
    ],
    ['has no messages that are late', { late: 900, delayP99: 90 }, undefined],
  ])('%s', (_, given, why) => {
    expect(judged({ talk: CLOSED, ...given })).toEqual(why === undefined ? [] : [expect.stringMatching(why)]);
  });

  it('says which threads are compared, and how busy they were', () => {
    expect(judged({ talk: CLOSED, share: 0.8, server: 0.3 })[0]).toMatch(
      /^a thread of the generator was on a CPU for 80 % of the time, and the server’s busiest thread \(shard-1\) for 30 %: /,
    );
  });
});

describe('an open loop', () => {
  it.each<[string, Omit<Given, 'talk'>, RegExp | undefined]>([
    [
      'is valid where the generator keeps up, however busy the server',
      { share: 0.6, server: 0.1 },
      undefined,
    ],
    ['is not where messages were late', { late: 11 }, /^1\.1 % of the messages were sent more than 10 ms/],
    ['is where only some were', { late: 9 }, undefined],
    ['is not where timers were late', { delayP99: 21 }, /up to 21 ms late/],
    ['is not where a thread had no time left', { busy: 0.96, server: 0.99 }, /at work for 96 %/],
  ])('%s', (_, given, why) => {
    expect(judged({ talk: OPEN, ...given })).toEqual(why === undefined ? [] : [expect.stringMatching(why)]);
  });
});

it('where nothing is said, a generator without time left is told, unless the server has none either', () => {
  expect(judged({ talk: undefined, busy: 0.99, share: 0.9 })).toEqual([
    expect.stringMatching(/at work for 99 %/),
  ]);
  expect(judged({ talk: undefined, busy: 0.99, share: 0.9, server: 0.95 })).toEqual([]);
});
