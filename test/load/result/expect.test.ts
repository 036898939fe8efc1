import { describe, expect, it } from 'vitest';
import {
  describeOutcome,
  type Expectation,
  evaluate,
  isMissed,
  parseExpectation,
} from '../../../src/load/result/expect.ts';
import type { Result } from '../../../src/load/result/result.ts';
import { sampleResult } from './sample-result.ts';

function parsed(text: string): Expectation {
  const read = parseExpectation(text);
  if (read.type === 'malformed') throw new Error(read.text);
  return read.expectation;
}

function malformed(text: string): { at: number; text: string } {
  const read = parseExpectation(text);
  if (read.type !== 'malformed') throw new Error(`${text} was taken`);
  return read;
}

const result = sampleResult({
  errors: { 'connect ECONNREFUSED': 3, 'bye too_slow': 2 },
  change: ({ latency, figures, usage }) => ({
    latency: {
      ...latency,
      deliver: latency.deliver && {
        ...latency.deliver,
        p50: 1.1,
        p90: 2,
        p95: 3,
        p99: 4,
        p999: 5,
        p9999: 6,
        max: 7,
        mean: 1.5,
      },
      login: latency.login && { ...latency.login, p99: 160 },
    },
    figures: { ...figures, due: 2_000, late: 30, dropped: 5, refused: 4, sentRate: 50, deliveredRate: 500 },
    correctness: {
      expected: 100,
      delivered: 99,
      lost: 11,
      repeated: 12,
      reordered: 13,
      diverged: 16,
      foreign: 14,
      unknown: 15,
      examples: [],
    },
    usage: usage && { ...usage, cpuPerDelivery: 84, bytesMost: 96 * 2 ** 20, bytesPerConnection: 20_480 },
  }),
});

describe('a threshold', () => {
  it.each([
    ['p50<50ms', 1.1],
    ['p50<1000us', 1_100],
    ['p90<1s', 0.002],
    ['p95<9ms', 3],
    ['p99<9ms', 4],
    ['deliver.p99<9ms', 4],
    ['p99.9<9ms', 5],
    ['p99.99<9ms', 6],
    ['max<9ms', 7],
    ['mean<9ms', 1.5],
    ['login.p99<200ms', 160],
    ['lost==11', 11],
    ['repeated==12', 12],
    ['reordered==13', 13],
    ['foreign==14', 14],
    ['diverged==16', 16],
    ['unknown==15', 15],
    ['refused<5', 4],
    ['late<=30', 30],
    ['late<2%', 1.5],
    ['dropped<1%', 0.25],
    ['errors<=5', 5],
    ['sent_rate>=50', 50],
    ['delivered_rate>=500', 500],
    ['cpu_per_delivery<100us', 84],
    ['cpu_per_delivery<100 µs', 84],
    ['server_memory<100MiB', 96],
    ['server_memory<1GiB', 0.09375],
    ['bytes_per_connection<=20KiB', 20],
    ['bytes_per_connection<20481', 20_480],
  ])('%s has the value %d, in its own unit', (text, value) => {
    expect(evaluate(parsed(text), result).value).toBe(value);
  });

  it.each([
    ['p99<4ms', false],
    ['p99<=4ms', true],
    ['p99>4ms', false],
    ['p99>=4ms', true],
    ['p99==4ms', true],
    ['p99!=4ms', false],
    ['  p99  <  4.5  ms  ', true],
    ['p99<.5s', true],
  ])('%s: met is %s', (text, isMet) => {
    expect(evaluate(parsed(text), result).isMet).toBe(isMet);
    expect(isMissed(parsed(text), result)).toBe(!isMet);
  });

  it('keeps its text, and can cross threads', () => {
    expect(evaluate(parsed(' lost == 0 '), result)).toEqual({ text: 'lost == 0', value: 11, isMet: false });
    const expectation = parsed('server_memory<1GiB');
    expect(structuredClone(expectation)).toEqual(expectation);
  });

  it('formats its value', () => {
    const told = (text: string) => describeOutcome(evaluate(parsed(text), result));
    expect(told('p50<2000us')).toBe('1,100 µs');
    expect(told('late<1%')).toBe('1.50 %');
    expect(told('lost==0')).toBe('11');
    expect(told('resume.p99<1s')).toMatch(/ s$/);
  });
});

describe('a figure that was not measured', () => {
  const nothing: Result = sampleResult({
    perUserPerMinute: 0,
    change: ({ latency, figures }) => ({
      latency: { ...latency, login: null },
      figures: { ...figures, seconds: 0 },
      usage: null,
    }),
  });

  it.each([
    'p99<50ms',
    'login.p99<1s',
    'lost==0',
    'late<1%',
    'sent_rate>0',
    'cpu_per_delivery<1s',
    'server_memory<9GiB',
  ])('does not meet %s, and does not break it', (text) => {
    expect(evaluate(parsed(text), nothing)).toEqual({ text, value: null, isMet: false });
    expect(isMissed(parsed(text), nothing)).toBe(false);
    expect(describeOutcome(evaluate(parsed(text), nothing))).toBe('nothing was measured');
  });
});

describe('a malformed threshold', () => {
  it.each([
    ['', 1, 'the name of a figure'],
    ['<50ms', 1, 'the name of a figure'],
    ['p98<50ms', 1, 'did you mean p99?'],
    ['login.p98<50ms', 1, 'did you mean login.p99?'],
    ['p999<50ms', 1, 'did you mean p99.9?'],
    ['los==0', 1, 'did you mean lost?'],
    ['bananas==0', 1, 'the figures are p50'],
    ['lost', 5, 'after the name'],
    ['lost=0', 5, 'did you mean ==?'],
    ['lost == many', 9, 'a number'],
    ['lost==-1', 7, 'a number'],
    ['p99<50', 7, 'a time needs a unit (us, ms or s), as in 50ms'],
    ['cpu_per_delivery<90', 20, 'a time needs a unit'],
    ['p99<50min', 7, '"min" is not a unit of time'],
    ['p99<50 S', 8, 'did you mean s?'],
    ['p99<50 MS', 8, 'did you mean ms?'],
    ['p99<5%', 6, 'only late and dropped can be given in %'],
    ['lost==0%', 8, 'only late and dropped can be given in %'],
    ['lost==0ms', 8, 'remove "ms"'],
    ['server_memory<90MB', 17, 'did you mean MiB?'],
    ['p99<50ms or so', 7, '"ms or so"'],
  ])('%j: at character %d, %s', (given, at, problem) => {
    const problemFound = malformed(given);
    expect(problemFound.at).toBe(at);
    expect(problemFound.text).toContain(problem);
    expect(problemFound.text).toContain(`"${given}", at character ${at}: `);
  });
});
