/** Thresholds such as `p99<50ms` or `lost==0`: what a run has to reach to be a success. */

import { nearest } from '../../common/did-you-mean.ts';
import { formatNumber } from './format.ts';
import { type Dimension, METRICS, type Metric } from './metric.ts';
import { isValid, type Result } from './result.ts';

const OPERATORS = ['<=', '>=', '==', '!=', '<', '>'] as const;
type Operator = (typeof OPERATORS)[number];

/** Of each unit, how many of it are one millisecond, one byte or one. `%` is of what was due. */
const UNITS = {
  time: { us: 1_000, ms: 1, s: 1 / 1_000 },
  bytes: { B: 1, KiB: 1 / 2 ** 10, MiB: 1 / 2 ** 20, GiB: 1 / 2 ** 30 },
  number: {},
} as const satisfies Record<Dimension, Readonly<Record<string, number>>>;

/** Plain data: it can be sent to another thread. */
export interface Expectation {
  /** As it was given. */
  readonly text: string;
  /** One of `METRICS`. */
  readonly name: string;
  readonly operator: Operator;
  /** In `unit`. */
  readonly limit: number;
  /** `us`, `ms`, `s`, `B`, `KiB`, `MiB`, `GiB`, `%`, or empty for a plain number. */
  readonly unit: string;
}

/** As it stands in a `Result`. `value` is in the unit of the threshold; null if there was nothing to measure. */
export interface Outcome {
  readonly text: string;
  readonly value: number | null;
  /** Null: not judged, because the run is not valid. */
  readonly isMet: boolean | null;
}

export type Parsed =
  | { readonly type: 'expectation'; readonly expectation: Expectation }
  /** `at` counts the characters from 1. `text` is a whole sentence for people that names place and remedy. */
  | { readonly type: 'malformed'; readonly at: number; readonly text: string };

/** Reads one threshold: a name, a comparison, a number and its unit, with or without spaces between them. */
export function parseExpectation(given: string): Parsed {
  const text = given.trim();
  const malformed = (index: number, problem: string): Parsed => {
    const at = index + 1;
    return { type: 'malformed', at, text: `"${text}", at character ${at}: ${problem}` };
  };

  const name = /^[\w.]*/.exec(text)?.[0] ?? '';
  if (name === '') return malformed(0, 'it begins with the name of a figure, as in p99<50ms');
  const metric = METRICS.get(name);
  if (metric === undefined) return malformed(0, unknownName(name));

  const afterName = skipSpace(text, name.length);
  const operator = OPERATORS.find((candidate) => text.startsWith(candidate, afterName));
  if (operator === undefined) {
    const hint = text[afterName] === '=' ? '; did you mean ==?' : '';
    return malformed(afterName, `behind the name comes <, <=, >, >=, == or !=${hint}`);
  }

  const afterOperator = skipSpace(text, afterName + operator.length);
  const number = /^(\d+(\.\d+)?|\.\d+)/.exec(text.slice(afterOperator))?.[0];
  if (number === undefined) return malformed(afterOperator, 'here comes a number, such as 50 or 0.5');

  const afterNumber = skipSpace(text, afterOperator + number.length);
  const unit = text.slice(afterNumber).replace(/^[µμ]s$/, 'us');
  const problem = unitProblem(name, metric, number, unit);
  if (problem !== undefined) return malformed(afterNumber, problem);
  return { type: 'expectation', expectation: { text, name, operator, limit: Number(number), unit } };
}

/** What was not measured does not meet any threshold. A run that is not valid neither meets nor misses one. */
export function evaluate(expectation: Expectation, result: Result): Outcome {
  const { text } = expectation;
  const value = measure(expectation, result);
  const isMet = value !== null && holds(expectation, value);
  return { text, value, isMet: isValid(result) ? isMet : null };
}

/** Whether what has been measured so far breaks it. What has not been measured yet, or is not valid, does not. */
export function isBroken(expectation: Expectation, result: Result): boolean {
  const value = measure(expectation, result);
  return isValid(result) && value !== null && !holds(expectation, value);
}

export type Judgement = 'met' | 'missed' | 'not judged';

export function describeStanding({ isMet }: Outcome): Judgement {
  if (isMet === null) return 'not judged';
  return isMet ? 'met' : 'missed';
}

/** The value of an outcome for people, with the unit of its threshold. */
export function describeOutcome({ text, value }: Outcome): string {
  if (value === null) return 'nothing was measured';
  const parsed = parseExpectation(text);
  const unit = parsed.type === 'expectation' ? parsed.expectation.unit : '';
  return `${formatNumber(value)} ${unit === 'us' ? 'µs' : unit}`.trimEnd();
}

function measure({ name, unit }: Expectation, result: Result): number | null {
  const metric = METRICS.get(name);
  if (metric === undefined) return null;
  const share = unit === '%';
  const value = (share ? metric.share?.(result) : metric.read(result)) ?? null;
  // Twelve digits: so that 1.1 ms is 1100 us, and not a little more.
  return value === null ? null : Number((value * (share ? 100 : scaleOf(metric, unit))).toPrecision(12));
}

function skipSpace(text: string, from: number): number {
  return from + (/^\s*/.exec(text.slice(from))?.[0].length ?? 0);
}

function holds({ operator, limit }: Expectation, value: number): boolean {
  switch (operator) {
    case '<':
      return value < limit;
    case '<=':
      return value <= limit;
    case '>':
      return value > limit;
    case '>=':
      return value >= limit;
    case '==':
      return value === limit;
    case '!=':
      return value !== limit;
    default:
      return operator satisfies never;
  }
}

function scaleOf({ dimension }: Metric, unit: string): number {
  return new Map<string, number>(Object.entries(UNITS[dimension])).get(unit) ?? 1;
}

function unknownName(name: string): string {
  // From behind, so that of two that are as near p99.9 is meant by p999, and not p99.
  const similar = nearest(name, [...METRICS.keys()].reverse());
  if (similar !== undefined) return `there is no figure "${name}"; did you mean ${similar}?`;
  const known = [...METRICS.keys()].filter((candidate) => !/^[a-z]+\./.test(candidate));
  return `there is no figure "${name}"; there are ${known.join(', ')}, and login.p99 and the like`;
}

/** Undefined if the unit fits the figure. */
function unitProblem(name: string, metric: Metric, number: string, unit: string): string | undefined {
  const { dimension, share } = metric;
  const known = Object.keys(UNITS[dimension]);
  if (known.includes(unit)) return undefined;
  if (unit === '' && dimension !== 'time') return undefined;
  if (unit === '%' && share !== undefined) return undefined;
  if (unit === '') return `a time has a unit, us, ms or s: ${number}ms`;
  if (unit === '%') return `${name} is not a part of something; late and dropped can be told in %`;
  if (dimension === 'number') {
    return `${name} is a plain number${share === undefined ? '' : ', or a part of what was due in %'}: leave out "${unit}"`;
  }
  // The longest first, so that MB is rather MiB than B.
  const candidates = known
    .toSorted((a, b) => b.length - a.length)
    .map((candidate) => candidate.toLowerCase());
  const similar = nearest(unit.toLowerCase(), candidates);
  const meant = known.find((candidate) => candidate.toLowerCase() === similar);
  const hint = meant === undefined ? `it is in ${known.join(', ')}` : `did you mean ${meant}?`;
  return `"${unit}" is no unit of ${dimension === 'time' ? 'time' : 'bytes'}; ${hint}`;
}
