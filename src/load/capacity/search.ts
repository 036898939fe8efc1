/** The search for a server's capacity: doubles the number of users until the server fails, then halves the gap. */

import type { Step } from './step.ts';

/** The search stops when the smallest failing number is at most this multiple of the largest passing one. */
const PRECISION = 1.12;
/** The fewest users who can write to each other. */
const FEWEST_USERS = 2;
/** The pauses before repeating a step that was not valid, in milliseconds. */
const PAUSES_MS = [3_000, 10_000];
/** The pause if server and generator saturate the machine by themselves: one more try shows whether they always do. */
const PAUSES_IF_FULL_MS = [3_000];

export type Searched =
  | { readonly type: 'steps'; readonly steps: readonly Step[] }
  | { readonly type: 'interrupted' };

/**
 * The result includes the largest number of users that passed and the smallest that failed. A step with an unknown result ends
 * the search: something else keeps the machine busy, so another number of users would show no more.
 */
export async function search(
  step: (users: number) => Promise<Step>,
  first: number,
  most: number,
  signal: AbortSignal,
): Promise<Searched> {
  const steps: Step[] = [];
  let good = 0;
  let bad = Number.POSITIVE_INFINITY;
  for (let users = Math.min(first, most); !signal.aborted; ) {
    const taken = await step(users);
    if (signal.aborted) break;
    steps.push(taken);
    if (taken.finding.type === 'carried') good = Math.max(good, users);
    else bad = Math.min(bad, users);
    const isPrecise = bad <= Math.max(FEWEST_USERS, good + 1, good * PRECISION);
    const isOver = taken.finding.type === 'unknown' || taken.result?.ended === 'server_gone';
    if (isPrecise || isOver || good >= most) return { type: 'steps', steps };
    const next = bad === Number.POSITIVE_INFINITY ? users * 2 : Math.round((good + bad) / 2);
    users = Math.max(FEWEST_USERS, Math.min(most, next));
  }
  return { type: 'interrupted' };
}

/** Takes a step, and repeats it after a pause while its result is not valid. */
export async function takeStep(
  attempt: () => Promise<Step>,
  pause: (ms: number, step: Step) => Promise<void>,
  signal: AbortSignal,
): Promise<Step> {
  let step = await attempt();
  for (let tries = 0; !signal.aborted; tries += 1) {
    const pauses =
      step.finding.type === 'unknown'
        ? PAUSES_MS
        : step.finding.type === 'machine_full'
          ? PAUSES_IF_FULL_MS
          : [];
    const ms = pauses[tries];
    if (ms === undefined) break;
    await pause(ms, step);
    if (!signal.aborted) step = await attempt();
  }
  return step;
}
