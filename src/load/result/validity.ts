/** Decides whether a result is valid, or says more about the generator than about the server. */

import { formatShare } from './format.ts';
import type { Result } from './result.ts';

/** Most messages that may be sent late, as a fraction of those due. */
const LATE_SHARE = 0.01;
/** Fewer late messages than this are ignored, because with few messages due a percentage means nothing. */
const LATE_FEW = 5;
/** Most that timers may be late (p99). */
const TIMER_LAG_MS = 20;
/** A thread that is busy for this fraction of the time counts as saturated. */
const SATURATED = 0.95;
/** From this CPU share of its busiest thread on, the server is what limits a closed loop. */
const SERVER_SATURATED = 0.85;
/** Below this CPU share of its busiest thread, the generator is not what a closed loop waits for. */
const GENERATOR_LOW = 0.5;

/** Returns sentences that say why latencies and rates are not meaningful; empty if the result is valid. */
export function findInvalidity(result: Result): string[] {
  const { scenario, generator, usage } = result;
  if (scenario.talk?.loop === 'open') return checkOpenLoop(result);
  const slower = scenario.talk?.loop === 'closed' ? generatorBottleneck(result) : undefined;
  if (slower !== undefined) return [slower];
  const isServerSaturated = usage !== null && usage.busiestThread.share >= SERVER_SATURATED;
  return generator.busy >= SATURATED && !isServerSaturated ? [saturation(generator.busy)] : [];
}

function checkOpenLoop({ figures, generator }: Result): string[] {
  const reasons: string[] = [];
  if (figures.late >= LATE_FEW && figures.late / figures.due > LATE_SHARE) {
    const share = ((100 * figures.late) / figures.due).toFixed(1);
    reasons.push(
      `${share} % of the messages were sent more than 10 ms after they were due, because this machine could not keep up`,
    );
  }
  if (generator.delayP99 > TIMER_LAG_MS) {
    reasons.push(
      `the generator’s timers were up to ${Math.round(generator.delayP99)} ms late (p99), and the latencies include that delay`,
    );
  }
  if (generator.busy >= SATURATED) reasons.push(saturation(generator.busy));
  return reasons;
}

/**
 * In a closed loop, each message passes through the generator and through every server thread involved. The thread that needs the
 * most time per message limits the rate, and the others wait for it. So this compares the CPU time of the busiest threads of
 * both. Returns undefined if the server's needs more.
 */
function generatorBottleneck({ generator, usage }: Result): string | undefined {
  if (usage === null || generator.busiestShare < GENERATOR_LOW) return undefined;
  const { name, share } = usage.busiestThread;
  if (generator.busiestShare <= share) return undefined;
  return `a generator thread was on a CPU for ${formatShare(generator.busiestShare)} of the time, but the server’s busiest thread (${name}) only for ${formatShare(share)}, so the loop waits longer for the generator than for the server, which might handle more messages faster. ${MORE_THREADS}`;
}

const MORE_THREADS = 'More --threads may help if there are cores for them';

function saturation(busy: number): string {
  return `a generator thread was busy for ${Math.round(busy * 100)} % of the time, so it may limit the rate rather than the server. ${MORE_THREADS}`;
}
