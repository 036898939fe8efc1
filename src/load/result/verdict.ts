/** Sums up a run in a sentence or two that need no other context. */

import { isMeasured } from '../scenario/scenario.ts';
import { formatCount, formatCounted, formatNumber, formatSpan, shortDuration } from './format.ts';
import { errorsOf } from './metric.ts';
import { faultsOf, isValid, type Latency, type Result } from './result.ts';

/** `invalid`: the run says nothing about the server, good or bad, except what was lost. */
export type Standing = 'good' | 'bad' | 'invalid';

export interface Verdict {
  readonly standing: Standing;
  readonly text: string;
}

export function verdictOf(result: Result): Verdict {
  return {
    standing: standingOf(result),
    text: [...caveats(result), main(result), ...thresholds(result)].join(' '),
  };
}

function standingOf(result: Result): Standing {
  const isMissed = result.expectations.some(({ isMet }) => isMet === false);
  if (faultsOf(result) > 0 || result.ended === 'server_gone' || result.ended === 'aborted') return 'bad';
  if (!isValid(result)) return 'invalid';
  return isMissed || result.ended !== 'complete' ? 'bad' : 'good';
}

/** What a reader must know before the figures. */
function caveats(result: Result): string[] {
  const after = formatSpan(result.series.at(-1)?.second ?? 0);
  const texts: string[] = [];
  if (result.ended === 'server_gone') texts.push(`The server went away after ${after}.`);
  if (result.ended === 'interrupted') texts.push(`Interrupted after ${after}.`);
  if (result.ended === 'aborted') texts.push(`Aborted after ${after} because a threshold was missed.`);
  if (!isValid(result)) texts.push('Not a valid measurement of the server.');
  return texts;
}

function main(result: Result): string {
  const { figures, correctness } = result;
  if (figures.seconds === 0) return `${usersOf(result)}: the run ended before anything was measured.`;
  const time = formatSpan(figures.seconds);
  if (correctness.expected === 0 && correctness.delivered === 0) {
    const what = [openConnections(result), ...within('logged in', result.latency.login, result)];
    return `${usersOf(result)} for ${time}: ${[...what, ...problems(result)].join('; ')}.`;
  }
  const what = [arrival(result), ...problems(result), ...within('', result.latency.deliver, result)];
  return `${usersOf(result)}, ${rateOf(result)} for ${time}: ${what.join('; ')}.`;
}

function usersOf({ scenario }: Result): string {
  const users = formatCounted(scenario.users, 'user', 'users');
  if (scenario.idle === 0) return users;
  const idle = formatCounted(scenario.idle, 'idle connection', 'idle connections');
  return scenario.users === 0 ? idle : `${users} and ${idle}`;
}

function rateOf({ figures, scenario }: Result): string {
  const { sentRate, deliveredRate } = figures;
  const messages = sentRate === 1 ? '1 message' : `${formatNumber(sentRate)} messages`;
  // If nearly every message has one recipient, a second number would only confuse.
  const deliveries = deliveredRate > sentRate * 1.5 ? ` and ${formatNumber(deliveredRate)} deliveries` : '';
  const rates = new Set(scenario.phases.filter(isMeasured).map(({ rate }) => rate));
  return `${messages}${deliveries} per second${rates.size > 1 ? ' on average' : ''}`;
}

function arrival({ correctness, figures }: Result): string {
  const { lost, repeated, reordered, diverged, foreign, unknown, expected } = correctness;
  const parts = [
    ...(lost > 0
      ? [`${formatCount(lost)} of ${formatCounted(expected, 'delivery was', 'deliveries were')} lost`]
      : []),
    ...(repeated > 0 ? [`${formatCount(repeated)} arrived more than once`] : []),
    ...(reordered > 0 ? [`${formatCount(reordered)} arrived out of order`] : []),
    ...(diverged > 0
      ? [`${formatCounted(diverged, 'reader', 'readers')} saw a different order than the others`]
      : []),
    ...(foreign > 0 ? [`${formatCount(foreign)} reached somebody else`] : []),
  ];
  if (parts.length > 0) return parts.join(', ');
  const isAll = unknown === 0 && figures.refused === 0;
  return `every message${isAll ? '' : ' that the server accepted'} arrived exactly once and in order`;
}

/** Problems that break no guarantee. */
function problems(result: Result): string[] {
  const { figures, correctness } = result;
  const errors = errorsOf(result);
  const due = figures.due > 0 ? ` of ${formatCount(figures.due)}` : '';
  return [
    ...(figures.refused > 0 ? [`${formatCount(figures.refused)}${due} were refused`] : []),
    ...(figures.dropped > 0 ? [`${formatCount(figures.dropped)}${due} could not be sent`] : []),
    ...(correctness.unknown > 0 ? [`the fate of ${formatCount(correctness.unknown)} is unknown`] : []),
    ...(errors > 0 ? [formatCounted(errors, 'error', 'errors')] : []),
  ];
}

function openConnections({ figures }: Result): string {
  return `${formatCounted(figures.connections, 'connection', 'connections')} at the end`;
}

/** Empty if the run is not valid, because somebody would quote the numbers. */
function within(what: string, latency: Latency | null, result: Result): string[] {
  if (latency === null || latency.count === 0 || !isValid(result)) return [];
  const median = `half${what === '' ? '' : ` ${what}`} within ${shortDuration(latency.p50)}`;
  return [`${median}, 99 % within ${shortDuration(latency.p99)}`];
}

function thresholds(result: Result): string[] {
  const { expectations } = result;
  if (expectations.length === 0) return [];
  const missed = expectations.filter(({ isMet }) => isMet === false).map(({ text }) => text);
  const all = formatCounted(expectations.length, 'threshold', 'thresholds');
  if (!isValid(result)) return [`${all} not judged.`];
  if (missed.length === 0)
    return [expectations.length === 1 ? 'The threshold was met.' : `All ${all} were met.`];
  if (expectations.length === 1) return [`The threshold was missed: ${missed[0]}.`];
  const named = missed.slice(0, 3).join(', ');
  return [`${formatCount(missed.length)} of ${all} missed: ${named}${missed.length > 3 ? ', …' : '.'}`];
}
