/** The search for a server's capacity: the number of users is doubled until it is too much, then the gap is halved. */

import type { Step } from './step.ts';

/** The answer is this near to where it breaks. */
const NEAR_ENOUGH = 1.12;
/** Two are the fewest who can write to each other. */
const FEWEST = 2;
/** Before a step whose measurement was not valid is tried again, in milliseconds. */
const PAUSES_MS = [3_000, 10_000];
/** Where server and generator fill the machine by themselves, one more try shows whether they always do. */
const PAUSES_IF_FULL_MS = [3_000];

export type Searched =
  | { readonly type: 'steps'; readonly steps: readonly Step[] }
  | { readonly type: 'interrupted' };

/**
 * The last step that went well, and the first that did not, are among the steps. A step that says nothing, because something else keeps
 * the machine busy, ends the search: another number of users would say no more.
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
    const isNear = bad <= Math.max(FEWEST, good + 1, good * NEAR_ENOUGH);
    const isOver = taken.finding.type === 'unknown' || taken.result?.ended === 'server_gone';
    if (isNear || isOver || good >= most) return { type: 'steps', steps };
    const next = bad === Number.POSITIVE_INFINITY ? users * 2 : Math.round((good + bad) / 2);
    users = Math.max(FEWEST, Math.min(most, next));
  }
  return { type: 'interrupted' };
}

/** Takes a step, and takes it again after a pause while its measurement is not valid. */
export async function takeStep(
  take: () => Promise<Step>,
  pause: (ms: number, step: Step) => Promise<void>,
  signal: AbortSignal,
): Promise<Step> {
  let step = await take();
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
    if (!signal.aborted) step = await take();
  }
  return step;
}
