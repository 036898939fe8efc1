/** Thresholds such as `p99<50ms` or `lost==0`, which a run must meet. */

import { didYouMean } from '../../common/did-you-mean.ts';
import { formatNumber } from './format.ts';
import { type Dimension, METRICS, type Metric } from './metric.ts';
import { isValid, type Result } from './result.ts';

const OPERATORS = ['<=', '>=', '==', '!=', '<', '>'] as const;
type Operator = (typeof OPERATORS)[number];

/** How many of each unit are one millisecond or one byte. `%` is relative to the messages that were due. */
const UNITS = {
  time: { us: 1_000, ms: 1, s: 1 / 1_000 },
  bytes: { B: 1, KiB: 1 / 2 ** 10, MiB: 1 / 2 ** 20, GiB: 1 / 2 ** 30 },
  number: {},
} as const satisfies Record<Dimension, Readonly<Record<string, number>>>;

/** Plain data, so that it can cross threads. */
export interface Expectation {
  /** As the user wrote it. */
  readonly text: string;
  /** One of `METRICS`. */
  readonly name: string;
  readonly operator: Operator;
  /** In `unit`. */
  readonly limit: number;
  /** `us`, `ms`, `s`, `B`, `KiB`, `MiB`, `GiB`, `%`, or empty for a plain number. */
  readonly unit: string;
}

/** The outcome in a `Result`. `value` is in the unit of the threshold; null if nothing was measured. */
export interface Outcome {
  readonly text: string;
  readonly value: number | null;
  /** Null if it is not judged because the run is not valid. */
  readonly isMet: boolean | null;
}

export type Parsed =
  | { readonly type: 'expectation'; readonly expectation: Expectation }
  /** `at` is a character position, counted from 1. `text` is a sentence that says where the problem is and how to fix it. */
  | { readonly type: 'malformed'; readonly at: number; readonly text: string };

/** Parses one threshold: a name, an operator, a number and its unit, optionally separated by spaces. */
export function parseExpectation(given: string): Parsed {
  const text = given.trim();
  const malformed = (index: number, problem: string): Parsed => {
    const at = index + 1;
    return { type: 'malformed', at, text: `"${text}", at character ${at}: ${problem}` };
  };

  const name = /^[\w.]*/.exec(text)?.[0] ?? '';
  if (name === '') return malformed(0, 'expected the name of a figure, as in p99<50ms');
  const metric = METRICS.get(name);
  if (metric === undefined) return malformed(0, unknownName(name));

  const afterName = skipSpace(text, name.length);
  const operator = OPERATORS.find((candidate) => text.startsWith(candidate, afterName));
  if (operator === undefined) {
    const hint = text[afterName] === '=' ? '; did you mean ==?' : '';
    return malformed(afterName, `expected <, <=, >, >=, == or != after the name${hint}`);
  }

  const afterOperator = skipSpace(text, afterName + operator.length);
  const number = /^(\d+(\.\d+)?|\.\d+)/.exec(text.slice(afterOperator))?.[0];
  if (number === undefined) return malformed(afterOperator, 'expected a number, such as 50 or 0.5');

  const afterNumber = skipSpace(text, afterOperator + number.length);
  const unit = text.slice(afterNumber).replace(/^[µμ]s$/, 'us');
  const problem = unitProblem(name, metric, number, unit);
  if (problem !== undefined) return malformed(afterNumber, problem);
  return { type: 'expectation', expectation: { text, name, operator, limit: Number(number), unit } };
}

/** A figure that was not measured misses its threshold. A run that is not valid neither meets nor misses any. */
export function evaluate(expectation: Expectation, result: Result): Outcome {
  const { text } = expectation;
  const value = measure(expectation, result);
  const isMet = value !== null && holds(expectation, value);
  return { text, value, isMet: isValid(result) ? isMet : null };
}

/** Whether the measurements so far miss it. A figure that is not measured yet, or not valid, misses nothing. */
export function isMissed(expectation: Expectation, result: Result): boolean {
  const value = measure(expectation, result);
  return isValid(result) && value !== null && !holds(expectation, value);
}

export type Judgement = 'met' | 'missed' | 'not judged';

export function describeStanding({ isMet }: Outcome): Judgement {
  if (isMet === null) return 'not judged';
  return isMet ? 'met' : 'missed';
}

/** Formats the measured value in the unit of the threshold. */
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
  // Rounded to twelve digits, so that 1.1 ms equals 1100 us in spite of binary fractions.
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
  // In reverse order, so that p999 suggests p99.9 and not p99, which is just as similar.
  const similar = didYouMean(name, [...METRICS.keys()].reverse());
  if (similar !== undefined) return `there is no figure "${name}"; did you mean ${similar}?`;
  const known = [...METRICS.keys()].filter((candidate) => !/^[a-z]+\./.test(candidate));
  return `there is no figure "${name}"; the figures are ${known.join(', ')}, and others such as login.p99`;
}

/** Returns undefined if the unit fits the figure. */
function unitProblem(name: string, metric: Metric, number: string, unit: string): string | undefined {
  const { dimension, share } = metric;
  const known = Object.keys(UNITS[dimension]);
  if (known.includes(unit)) return undefined;
  if (unit === '' && dimension !== 'time') return undefined;
  if (unit === '%' && share !== undefined) return undefined;
  if (unit === '') return `a time needs a unit (us, ms or s), as in ${number}ms`;
  if (unit === '%') return `${name} is not a share; only late and dropped can be given in %`;
  if (dimension === 'number') {
    return `${name} is a plain number${share === undefined ? '' : ', or a share of the messages due in %'}: remove "${unit}"`;
  }
  // Longest first, so that MB suggests MiB and not B.
  const candidates = known
    .toSorted((a, b) => b.length - a.length)
    .map((candidate) => candidate.toLowerCase());
  const similar = didYouMean(unit.toLowerCase(), candidates);
  const meant = known.find((candidate) => candidate.toLowerCase() === similar);
  const hint = meant === undefined ? `use ${known.join(', ')}` : `did you mean ${meant}?`;
  return `"${unit}" is not a unit of ${dimension === 'time' ? 'time' : 'bytes'}; ${hint}`;
}
