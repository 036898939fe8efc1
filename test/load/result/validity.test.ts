import { describe, expect, it } from 'vitest';
import type { Result } from '../../../src/load/result/result.ts';
import { findInvalidity } from '../../../src/load/result/validity.ts';
import type { Scenario } from '../../../src/load/scenario/scenario.ts';
import { sampleResult } from './sample-result.ts';

const OPEN = { loop: 'open', perUserPerMinute: 6 } as const;
const CLOSED = { loop: 'closed', inFlight: 64 } as const;

interface Given {
  readonly talk: Scenario['talk'];
  /** The generator's busiest thread: the fraction of the time on a CPU, and busy. */
  readonly share?: number;
  readonly busy?: number;
  /** The same for the server; null if its process is unknown. */
  readonly server?: number | null;
  readonly late?: number;
  readonly delayP99?: number;
}

function judged({ talk, share = 0.1, busy = share, server = 0.1, late = 0, delayP99 = 1 }: Given): string[] {
  return findInvalidity(
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
      'is limited by the generator if it needs more time per message',
      { share: 0.8, server: 0.3 },
      /waits longer for the generator/,
    ],
    [
      'is limited by the generator even if the difference is small',
      { share: 0.71, server: 0.7 },
      /waits longer for the generator/,
    ],
    ['is limited by the server if it needs more', { share: 0.7, server: 0.71 }, undefined],
    ['is limited by the server if it is saturated', { share: 0.9, busy: 1, server: 0.98 }, undefined],
    [
      'is limited by something else, such as a disk, if both mostly wait',
      { share: 0.4, server: 0.2 },
      undefined,
    ],
    [
      'is limited by a saturated generator even if the server is unknown',
      { share: 0.97, server: null },
      /busy for 97 %/,
    ],
    ['is not limited by a generator that has time left', { share: 0.9, server: null }, undefined],
    // On a machine that other programs keep busy.
    [
      'is limited by a generator that waits for a core',
      { share: 0.4, busy: 0.97, server: 0.3 },
      /busy for 97 %/,
    ],
    ['ignores late messages', { late: 900, delayP99: 90 }, undefined],
  ])('%s', (_, given, why) => {
    expect(judged({ talk: CLOSED, ...given })).toEqual(why === undefined ? [] : [expect.stringMatching(why)]);
  });

  it('names the compared threads and their CPU shares', () => {
    expect(judged({ talk: CLOSED, share: 0.8, server: 0.3 })[0]).toMatch(
      /^a generator thread was on a CPU for 80 % of the time, but the server’s busiest thread \(shard-1\) only for 30 %, /,
    );
  });
});

describe('an open loop', () => {
  it.each<[string, Omit<Given, 'talk'>, RegExp | undefined]>([
    ['is valid if the generator keeps up, however busy the server', { share: 0.6, server: 0.1 }, undefined],
    ['is not valid if messages were late', { late: 11 }, /^1\.1 % of the messages were sent more than 10 ms/],
    ['is valid if only a few were late', { late: 9 }, undefined],
    ['is not valid if timers were late', { delayP99: 21 }, /up to 21 ms late/],
    ['is not valid if a thread was saturated', { busy: 0.96, server: 0.99 }, /busy for 96 %/],
  ])('%s', (_, given, why) => {
    expect(judged({ talk: OPEN, ...given })).toEqual(why === undefined ? [] : [expect.stringMatching(why)]);
  });
});

it('without messages, a saturated generator is not valid unless the server is saturated too', () => {
  expect(judged({ talk: undefined, busy: 0.99, share: 0.9 })).toEqual([
    expect.stringMatching(/busy for 99 %/),
  ]);
  expect(judged({ talk: undefined, busy: 0.99, share: 0.9, server: 0.95 })).toEqual([]);
});
