/**
 * Whether a thread that is asked again and again still answers. Pure: time is passed in, in ms of one clock that only
 * goes forward.
 *
 * Silence counts only while the asking side itself was awake: when that was blocked, or the whole process was
 * suspended, nobody asked, and the answers that came are still unread.
 */

/** How long a thread may be silent: twice what the registry needs to take over a million accounts on a busy machine. */
export const WATCHDOG_MS = 10_000;

/** The same before the first answer: what a thread has to do once, at its start, may take longer. */
export const FIRST_ANSWER_MS = 60_000;

const ASK_EVERY_MS = 1_000;

export class Watchdog {
  readonly #limitMs: number;
  /** Call `check`, and ask, about that often. */
  readonly everyMs: number;
  #checkedAt: number;
  #silentMs = 0;
  #hasAnswered = false;

  constructor(limitMs: number, now: number) {
    this.#limitMs = limitMs;
    this.everyMs = Math.min(ASK_EVERY_MS, limitMs / 5);
    this.#checkedAt = now;
  }

  answered(): void {
    this.#silentMs = 0;
    this.#hasAnswered = true;
  }

  /** How long the thread was silent, if that is too long. */
  check(now: number): number | undefined {
    // What a gap is longer than usual is time in which this side did not run.
    this.#silentMs += Math.min(now - this.#checkedAt, 2 * this.everyMs);
    this.#checkedAt = now;
    const limitMs = this.#hasAnswered ? this.#limitMs : Math.max(this.#limitMs, FIRST_ANSWER_MS);
    return this.#silentMs > limitMs ? this.#silentMs : undefined;
  }
}
