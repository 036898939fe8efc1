import { describe, expect, it } from 'vitest';
import { differencesOf } from '../../../src/load/result/comparability.ts';
import { renderComparison } from '../../../src/load/result/compare.ts';
import type { Result } from '../../../src/load/result/result.ts';
import { type SampleOptions, sampleResult } from './sample-result.ts';

function compared(a: Result, b: Result, color = false): string {
  return renderComparison({ name: 'old.json', result: a }, { name: 'new.json', result: b }, { color });
}

/** The cells of the row of that name. */
function row(text: string, name: string): string[] | undefined {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name}  `));
  return line?.slice(name.length).trim().split(/ {2,}/);
}

function withDeliver(p50: number, p99: number, options: SampleOptions = {}): Result {
  return sampleResult({
    ...options,
    change: (result) => ({
      latency: {
        ...result.latency,
        deliver: result.latency.deliver && { ...result.latency.deliver, p50, p99 },
      },
      ...options.change?.(result),
    }),
  });
}

describe('two results side by side', () => {
  it('show values, the ratio, and which one is better', () => {
    const text = compared(withDeliver(2, 10), withDeliver(1, 12));
    expect(row(text, 'deliver p50')).toEqual(['2.00 ms', '1.00 ms', '0.50', 'B']);
    expect(row(text, 'deliver p99')).toEqual(['10.0 ms', '12.0 ms', '1.20', 'A']);
    expect(text).toContain('B is better in 1 figure and worse in 1');
  });

  it('count as equal within the noise of the same program', () => {
    const text = compared(withDeliver(1, 10), withDeliver(1.04, 10.6));
    expect(row(text, 'deliver p50')?.at(-1)).toBe('=');
    expect(row(text, 'deliver p99')?.at(-1)).toBe('A');
  });

  it('prefer higher rates and lower usage', () => {
    const text = compared(
      sampleResult({
        change: ({ figures, usage }) => ({
          figures: { ...figures, deliveredRate: 1_000 },
          usage: usage && { ...usage, cpuPerDelivery: 50, bytesMost: 100 * 2 ** 20 },
        }),
      }),
      sampleResult({
        change: ({ figures, usage }) => ({
          figures: { ...figures, deliveredRate: 2_000 },
          usage: usage && { ...usage, cpuPerDelivery: 100, bytesMost: 50 * 2 ** 20 },
        }),
      }),
    );
    expect(row(text, 'delivered per second')).toEqual(['1,000', '2,000', '2.00', 'B']);
    expect(row(text, 'CPU per delivery')).toEqual(['50 µs', '100 µs', '2.00', 'A']);
    expect(row(text, 'peak memory')).toEqual(['100 MiB', '50.0 MiB', '0.50', 'B']);
  });

  it('differ by a single lost message', () => {
    const lossy = sampleResult({
      change: ({ correctness }) => ({ correctness: { ...correctness, lost: 1 } }),
    });
    expect(row(compared(sampleResult(), lossy), 'lost')).toEqual(['0', '1', '–', 'A']);
    expect(row(compared(lossy, sampleResult()), 'lost')).toEqual(['1', '0', '0.00', 'B']);
    expect(row(compared(lossy, lossy), 'lost')?.at(-1)).toBe('=');
  });

  it('omit figures that neither has, and do not judge those that only one has', () => {
    const unknown = sampleResult({
      change: ({ latency }) => ({ usage: null, latency: { ...latency, login: null } }),
    });
    expect(row(compared(unknown, unknown), 'CPU per delivery')).toBeUndefined();
    expect(row(compared(unknown, unknown), 'login p50')).toBeUndefined();
    expect(row(compared(unknown, sampleResult()), 'CPU per delivery')).toEqual(['–', '84 µs', '–']);
  });

  it('omit percentiles of too few values', () => {
    const text = compared(sampleResult(), sampleResult());
    expect(row(text, 'resume p50')).toBeDefined();
    expect(row(text, 'resume p99')).toBeUndefined();
  });

  it('judge no latencies and rates if one is not valid', () => {
    const invalid = withDeliver(1, 1, { change: () => ({ invalid: ['timers were late'] }) });
    const text = compared(withDeliver(2, 10), invalid);
    expect(row(text, 'deliver p99')).toEqual(['10.0 ms', '1.00 ms', '0.10', 'not judged']);
    expect(text.replace(/\s+/g, ' ')).toMatch(/\d+ are not judged because a run is not valid\./);
    expect(row(text, 'lost')?.at(-1)).toBe('=');
  });

  it('fit 80 columns, cannot harm a terminal, and have colours only on request', () => {
    const evil = `\u001b[2J${'x'.repeat(200)}`;
    const other = sampleResult({
      users: 1_000_000,
      change: ({ scenario, environment, correctness }) => ({
        scenario: { ...scenario, name: evil.slice(0, 64) },
        environment: { ...environment, cpu: evil },
        correctness: { ...correctness, lost: 1 },
        invalid: [evil],
      }),
    });
    const text = compared(sampleResult(), other);
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(text).not.toContain('\u001b');
    const colored = compared(sampleResult(), other, true);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
    expect(colored.replace(/\u001b\[\d+m/g, '')).toBe(text);
    expect(colored).toMatch(/\[31mlost /);
  });
});

describe('a reason against comparing', () => {
  const base = sampleResult();

  it('does not exist between two runs of the same scenario', () => {
    expect(differencesOf(base, base)).toEqual([]);
    expect(compared(base, base)).not.toContain('WARNING');
  });

  it('is not the version of Parley, nor the date', () => {
    const later = sampleResult({
      change: ({ environment, scenario }) => ({
        at: '2027-01-01T00:00:00.000Z',
        environment: { ...environment, parley: '9.9.9', command: 'other' },
        scenario: { ...scenario, about: 'other words' },
      }),
    });
    expect(differencesOf(base, later)).toEqual([]);
  });

  it.each<[string, (result: Result) => Partial<Result>, string]>([
    [
      'users',
      ({ scenario }) => ({ scenario: { ...scenario, users: 600 } }),
      '"users" of the scenario differs: 500 in A, 600 in B',
    ],
    ['phases', ({ scenario }) => ({ scenario: { ...scenario, phases: [] } }), '"phases" of the scenario'],
    [
      'talk',
      ({ scenario: { talk: _, ...scenario } }) => ({ scenario }),
      '"talk" of the scenario differs: {"loop":"open","perUserPerMinute":6} in A, nothing in B',
    ],
    ['seed', () => ({ seed: 8 }), 'the seed differs: 7 in A, 8 in B'],
    [
      'protocol',
      ({ server }) => ({ server: { ...server, protocol: 'irc' } }),
      'the protocol differs: parley in A, irc in B',
    ],
    [
      'owner',
      ({ server }) => ({ server: { ...server, isOwn: false } }),
      'only A started a server for its run',
    ],
    ['cores', ({ environment }) => ({ environment: { ...environment, cores: 64 } }), 'the number of cores'],
    ['cpu', ({ environment }) => ({ environment: { ...environment, cpu: 'M1' } }), 'the processor differs'],
    ['node', ({ environment }) => ({ environment: { ...environment, node: '99' } }), 'the version of Node'],
    [
      'validity',
      () => ({ invalid: ['it was late'] }),
      'B is not valid, so its latencies and rates say nothing',
    ],
    ['end', () => ({ ended: 'server_gone' }), 'B ended early because the server went away'],
  ])('is a difference of %s', (_, change, warning) => {
    // What the parser would not take is made here: a difference need not make sense.
    const other = { ...base, ...change(base) };
    expect(differencesOf(base, other)).toEqual([expect.stringContaining(warning)]);
    expect(compared(base, other)).toMatch(/^WARNING {2}/m);
  });
});
