/**
 * Decides whether a thread that is pinged repeatedly still answers. Pure: the time is passed in, in ms of a monotonic
 * clock.
 *
 * Silence counts only while the pinging side itself was running: while it was blocked, or the whole process was
 * suspended, it sent no pings, and answers that arrived are still unread.
 */

/** How long a thread may be silent: twice what the registry needs to load a million accounts on a busy machine. */
export const WATCHDOG_MS = 10_000;

/** The limit before the first answer, because one-off work at the start may take longer. */
export const FIRST_ANSWER_MS = 60_000;

const PING_INTERVAL_MS = 1_000;

export class Watchdog {
  readonly #limitMs: number;
  /** How often to ping and to call `check`, in ms. */
  readonly everyMs: number;
  #checkedAt: number;
  #silentMs = 0;
  #hasAnswered = false;

  constructor(limitMs: number, now: number) {
    this.#limitMs = limitMs;
    this.everyMs = Math.min(PING_INTERVAL_MS, limitMs / 5);
    this.#checkedAt = now;
  }

  answered(): void {
    this.#silentMs = 0;
    this.#hasAnswered = true;
  }

  /** How long the thread has been silent, if that is too long. */
  check(now: number): number | undefined {
    // Time beyond two intervals is time in which this side did not run.
    this.#silentMs += Math.min(now - this.#checkedAt, 2 * this.everyMs);
    this.#checkedAt = now;
    const limitMs = this.#hasAnswered ? this.#limitMs : Math.max(this.#limitMs, FIRST_ANSWER_MS);
    return this.#silentMs > limitMs ? this.#silentMs : undefined;
  }
}
