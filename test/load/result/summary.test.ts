import { describe, expect, it } from 'vitest';
import type { Result } from '../../../src/load/result/result.ts';
import { renderSummary } from '../../../src/load/result/summary.ts';
import { verdictOf } from '../../../src/load/result/verdict.ts';
import { type SampleOptions, sampleResult } from './sample-result.ts';

const STEADY = [{ kind: 'steady', seconds: 30 }] as const;

/** A result whose first sentence is the same on every machine. */
function even(options: SampleOptions = {}): Result {
  return sampleResult({
    phases: STEADY,
    ...options,
    change: (result) => ({
      figures: { ...result.figures, due: 1_500, sent: 1_500, sentRate: 50, deliveredRate: 50 },
      latency: {
        ...result.latency,
        deliver: result.latency.deliver && { ...result.latency.deliver, p50: 1.2, p99: 8 },
      },
      ...options.change?.(result),
    }),
  });
}

function plain(result: Result): string {
  return renderSummary(result, { color: false });
}

describe('the first sentence', () => {
  it('says that everything went well', () => {
    expect(verdictOf(even())).toEqual({
      standing: 'good',
      text: '500 users, 50 messages per second for 30 s: every message arrived exactly once and in order; half within 1.2 ms, 99 % within 8 ms.',
    });
  });

  it('gives a rate of deliveries if they outnumber the messages', () => {
    const { text } = verdictOf(
      even({ change: ({ figures }) => ({ figures: { ...figures, sentRate: 50, deliveredRate: 500 } }) }),
    );
    expect(text).toContain('50 messages and 500 deliveries per second for 30 s');
  });

  it('says what was lost, repeated, out of order or misdelivered', () => {
    const { standing, text } = verdictOf(
      even({
        change: ({ correctness }) => ({
          correctness: {
            ...correctness,
            expected: 15_000,
            lost: 12,
            repeated: 3,
            reordered: 2,
            foreign: 1,
            unknown: 4,
          },
        }),
      }),
    );
    expect(standing).toBe('bad');
    expect(text).toContain(
      ': 12 of 15,000 deliveries were lost, 3 arrived more than once, 2 arrived out of order, 1 reached somebody else; the fate of 4 is unknown',
    );
    expect(text).not.toContain('every message');
  });

  it('does not claim that all messages arrived if some were refused or not sent', () => {
    const { text } = verdictOf(
      even({
        errors: { 'bye too_slow': 2 },
        change: ({ figures }) => ({ figures: { ...figures, due: 1_500, refused: 7, dropped: 9 } }),
      }),
    );
    expect(text).toContain(
      'every message that the server accepted arrived exactly once and in order; 7 of 1,500 were refused; 9 of 1,500 could not be sent; 2 errors',
    );
  });

  it('quotes no latency of a run that is not valid', () => {
    const { standing, text } = verdictOf(even({ change: () => ({ invalid: ['timers were late'] }) }));
    expect(standing).toBe('invalid');
    expect(text).toMatch(/^Not a valid measurement of the server\./);
    expect(text).not.toContain('within');
  });

  it.each([
    ['interrupted', 'Interrupted after 30 s.', 'bad'],
    ['server_gone', 'The server went away after 30 s.', 'bad'],
    ['aborted', 'Aborted after 30 s because a threshold was missed.', 'bad'],
  ] as const)('of a run that was %s says when', (ended, opening, standing) => {
    const verdict = verdictOf(even({ change: () => ({ ended }) }));
    expect(verdict.text.startsWith(opening)).toBe(true);
    expect(verdict.standing).toBe(standing);
  });

  it('of a run without messages is about the logins', () => {
    const { text } = verdictOf(sampleResult({ perUserPerMinute: 0, phases: STEADY }));
    expect(text).toMatch(
      /^500 users for 30 s: 500 connections at the end; half logged in within .* 99 % within/,
    );
  });

  it('of a run that ended in the ramp claims nothing', () => {
    const result = sampleResult({
      phases: [{ kind: 'ramp', seconds: 5 }],
      change: () => ({ ended: 'interrupted' }),
    });
    expect(verdictOf(result).text).toBe(
      'Interrupted after 5 s. 500 users: the run ended before anything was measured.',
    );
  });

  it('names the missed thresholds', () => {
    const outcomes = [
      { text: 'p99<5ms', value: 8, isMet: false },
      { text: 'lost==0', value: 0, isMet: true },
    ];
    const { standing, text } = verdictOf(even({ change: () => ({ expectations: outcomes }) }));
    expect(standing).toBe('bad');
    expect(text).toMatch(/ 1 of 2 thresholds missed: p99<5ms\.$/);
  });
});

describe('the summary', () => {
  it('begins with that sentence', () => {
    const result = even();
    const [first = ''] = plain(result).split('\n\n');
    expect(first.replaceAll('\n', ' ')).toBe(verdictOf(result).text);
  });

  it('has a row for each latency that was measured, in its columns', () => {
    const summary = plain(even({ change: ({ latency }) => ({ latency: { ...latency, resume: null } }) }));
    expect(summary).toMatch(/^ +p50 +p90 +p99 +p99\.9 +max +count$/m);
    expect(summary.match(/^(connect|login|resume|acknowledge|deliver) .*s /gm)).toHaveLength(4);
    expect(summary).not.toMatch(/^resume/m);
  });

  it('omits percentiles of too few values', () => {
    const row = /^resume +\S+ .s +\S+ .s +– +– +\S+ .s +40$/m;
    expect(plain(even())).toMatch(row);
  });

  it('says why the run is not valid right below the first sentence', () => {
    const summary = plain(even({ change: () => ({ invalid: ['timers were 40 ms late', 'it was busy'] }) }));
    expect(summary.split('\n\n')[1]).toBe('INVALID: timers were 40 ms late\nINVALID: it was busy');
  });

  it('has thresholds, errors by frequency, and the command to repeat the run', () => {
    const summary = plain(
      even({
        seed: 99,
        errors: { rare: 1, frequent: 30 },
        change: () => ({ expectations: [{ text: 'p99<5ms', value: 8.1234, isMet: false }] }),
      }),
    );
    expect(summary).toMatch(/^MISSED +p99<5ms: 8\.12 ms$/m);
    expect(summary).toMatch(/^Errors +30 × frequent\n +1 × rare$/m);
    expect(summary).toMatch(/^Repeat +parley load sample --users 500 --seed 99$/m);
  });

  it('does not give a seed twice', () => {
    const command = 'parley load --seed 7';
    const summary = plain(
      even({ change: ({ environment }) => ({ environment: { ...environment, command } }) }),
    );
    expect(summary).toMatch(/--seed 7$/m);
    expect(summary).not.toContain('--seed 7 --seed');
  });

  it('fits 80 columns, whatever it contains', () => {
    const long = 'x'.repeat(200);
    const summary = plain(
      sampleResult({
        users: 1_000_000,
        deliverMs: 99.9,
        errors: { [long]: 123_456_789 },
        change: ({ correctness, environment, usage }) => ({
          invalid: [`${long} and ${'words '.repeat(30)}`],
          correctness: { ...correctness, lost: 99, examples: Array.from({ length: 40 }, () => long) },
          environment: { ...environment, cpu: long, command: long },
          usage: usage && { ...usage, busiestThread: { name: long, share: 0.5 } },
          expectations: [{ text: `p99<${'0'.repeat(100)}1ms`, value: 1, isMet: false }],
        }),
      }),
    );
    expect(Math.max(...summary.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(summary).toContain('and 28 more');
  });

  it('does not let a server or a scenario write to the terminal', () => {
    const evil = 'a\u001b[2Jb\nc\u0007';
    const summary = plain(
      even({
        errors: { [evil]: 1 },
        change: ({ scenario, server }) => ({
          scenario: { ...scenario, name: evil, about: evil },
          server: { ...server, name: evil },
          invalid: [evil],
        }),
      }),
    );
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the test looks for them
    expect(summary).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    expect(summary).toContain('1 × a[2Jb c');
  });

  it('has colours only on request, and the same text without', () => {
    const result = even({ errors: { bad: 1 } });
    const colored = renderSummary(result, { color: true });
    expect(colored).toContain('\u001b[32m');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
    expect(colored.replace(/\u001b\[\d+m/g, '')).toBe(plain(result));
  });
});
