/** Whether a result says something about the server, or about the generator. */

import type { Result } from './result.ts';

/** Of the messages that were due. */
const LATE_SHARE = 0.01;
/** Where few are due, one that is late is no hundredth of anything. */
const LATE_FEW = 5;
const DELAY_MS = 20;
/** Of a thread's time. */
const FULL = 0.95;
/** A server whose busiest thread is at work for so much of the time is what bounds a closed loop. */
const SERVER_FULL = 0.85;

/** Why latencies and rates are not to be trusted, in sentences; none if they are. */
export function judge({ scenario, figures, generator, usage }: Result): string[] {
  const reasons: string[] = [];
  const isOpen = scenario.talk?.loop === 'open';
  const isFull = generator.busy >= FULL;
  if (isOpen && figures.late >= LATE_FEW && figures.late / figures.due > LATE_SHARE) {
    const share = ((100 * figures.late) / figures.due).toFixed(1);
    reasons.push(
      `${share} % of the messages were sent more than 10 ms after they were due: this machine could not keep up`,
    );
  }
  if (isOpen && generator.delayP99 > DELAY_MS) {
    reasons.push(
      `the generator’s threads came to what they had to do up to ${Math.round(generator.delayP99)} ms late (p99): latencies hold that, too`,
    );
  }
  const isBound = isOpen || usage === null || usage.busiestThread.share < SERVER_FULL;
  if (isFull && isBound) {
    reasons.push(
      `a thread of the generator was at work for ${Math.round(generator.busy * 100)} % of the time: it, and not the server, may be what bounds the rate. More --threads may help, if there are cores for them`,
    );
  }
  return reasons;
}
