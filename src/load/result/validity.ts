/** Whether a result says something about the server, or about the generator. */

import { formatShare } from './format.ts';
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
/** A generator that is at work for less than this part of a closed loop's time is not what the loop waits for. */
const GENERATOR_LOW = 0.5;

/** Why latencies and rates are not to be trusted, in sentences; none if they are. */
export function judge(result: Result): string[] {
  const { scenario, generator, usage } = result;
  if (scenario.talk?.loop === 'open') return judgeOpen(result);
  const slower = scenario.talk?.loop === 'closed' ? slowerThanServer(result) : undefined;
  if (slower !== undefined) return [slower];
  const isServerFull = usage !== null && usage.busiestThread.share >= SERVER_FULL;
  return generator.busy >= FULL && !isServerFull ? [full(generator.busy)] : [];
}

function judgeOpen({ figures, generator }: Result): string[] {
  const reasons: string[] = [];
  if (figures.late >= LATE_FEW && figures.late / figures.due > LATE_SHARE) {
    const share = ((100 * figures.late) / figures.due).toFixed(1);
    reasons.push(
      `${share} % of the messages were sent more than 10 ms after they were due: this machine could not keep up`,
    );
  }
  if (generator.delayP99 > DELAY_MS) {
    reasons.push(
      `the generator’s threads came to what they had to do up to ${Math.round(generator.delayP99)} ms late (p99): latencies hold that, too`,
    );
  }
  if (generator.busy >= FULL) reasons.push(full(generator.busy));
  return reasons;
}

/**
 * In a closed loop each message passes through the generator and through each thread of the server that has to do with it. The one that
 * needs most time for its part of a message bounds the rate, and the others wait for it. So the busiest threads of the two are compared, by
 * the time that they were on a CPU. Undefined if it is the server's that needs more.
 */
function slowerThanServer({ generator, usage }: Result): string | undefined {
  if (usage === null || generator.busiestShare < GENERATOR_LOW) return undefined;
  const { name, share } = usage.busiestThread;
  if (generator.busiestShare <= share) return undefined;
  return `a thread of the generator was on a CPU for ${formatShare(generator.busiestShare)} of the time, and the server’s busiest thread (${name}) for ${formatShare(share)}: the loop waits for the generator more than for the server, which might do more, and faster. ${MORE_THREADS}`;
}

const MORE_THREADS = 'More --threads may help, if there are cores for them';

function full(busy: number): string {
  return `a thread of the generator was at work for ${Math.round(busy * 100)} % of the time: it, and not the server, may be what bounds the rate. ${MORE_THREADS}`;
}
