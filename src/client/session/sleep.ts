/**
 * Notices that this process did not run: the laptop was asleep, or somebody had stopped it. While a machine sleeps, timers wait and the
 * monotonic clock may stand still, but the wall clock goes on. While a process is stopped, both go on.
 */

import { timerDelay } from '../../common/deadline.ts';

export interface Clocks {
  /** As `performance.now`, in ms. */
  readonly monotonic: number;
  /** In ms since 1970. Somebody may set it at any time. */
  readonly wall: number;
}

const LOOK_MS = 1_000;
/** A gap that is longer than a busy machine keeps a timer waiting. A clock that somebody sets looks like a gap, too. */
const ASLEEP_MS = 5_000;

export function readClocks(): Clocks {
  return { monotonic: performance.now(), wall: Date.now() };
}

export class SleepDetector {
  #last: Clocks;

  constructor(now: Clocks) {
    this.#last = now;
  }

  /** Whether there was a gap since the last call. To be called about once a second. */
  hasSlept(now: Clocks): boolean {
    const passed = Math.max(now.monotonic - this.#last.monotonic, now.wall - this.#last.wall);
    this.#last = now;
    return passed >= ASLEEP_MS;
  }
}

/** Calls `then` once: after that time, or at once on waking up if that is sooner. Returns how to take it back. */
export function afterOrAwake(delayMs: number, then: (hasSlept: boolean) => void): () => void {
  const detector = new SleepDetector(readClocks());
  const looking = setInterval(() => {
    if (detector.hasSlept(readClocks())) settle(true);
  }, LOOK_MS);
  const timer = setTimeout(() => settle(detector.hasSlept(readClocks())), timerDelay(delayMs));
  const cancel = (): void => {
    clearInterval(looking);
    clearTimeout(timer);
  };
  const settle = (hasSlept: boolean): void => {
    cancel();
    then(hasSlept);
  };
  return cancel;
}
