/**
 * Detects that this process was not running, because the machine slept or the process was stopped. While the machine
 * sleeps, timers and possibly the monotonic clock stand still, but the wall clock advances. While only the process is
 * stopped, both clocks advance.
 */

import { timerDelay } from '../../common/deadline.ts';

export interface Clocks {
  /** As `performance.now`, in ms. */
  readonly monotonic: number;
  /** In ms since 1970. It may be set at any time. */
  readonly wall: number;
}

const CHECK_MS = 1_000;
/** Longer than a busy machine delays a timer. Setting the clock also looks like a gap. */
const ASLEEP_MS = 5_000;

export function readClocks(): Clocks {
  return { monotonic: performance.now(), wall: Date.now() };
}

export class SleepDetector {
  #last: Clocks;

  constructor(now: Clocks) {
    this.#last = now;
  }

  /** Whether there was a gap since the last call. Call about once a second. */
  hasSlept(now: Clocks): boolean {
    const passed = Math.max(now.monotonic - this.#last.monotonic, now.wall - this.#last.wall);
    this.#last = now;
    return passed >= ASLEEP_MS;
  }
}

/** Calls `then` once, after the delay or at wake-up, whichever comes first. Returns a function that cancels it. */
export function afterDelayOrWake(delayMs: number, then: (hasSlept: boolean) => void): () => void {
  const detector = new SleepDetector(readClocks());
  const checking = setInterval(() => {
    if (detector.hasSlept(readClocks())) settle(true);
  }, CHECK_MS);
  const timer = setTimeout(() => settle(detector.hasSlept(readClocks())), timerDelay(delayMs));
  const cancel = (): void => {
    clearInterval(checking);
    clearTimeout(timer);
  };
  const settle = (hasSlept: boolean): void => {
    cancel();
    then(hasSlept);
  };
  return cancel;
}
