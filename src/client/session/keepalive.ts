/**
 * Whether a silent server is still there. Pure: time is passed in.
 *
 * Whatever the server sends is a sign of life. When it has been silent for long, longer than `IDLE_MS`, or than
 * `UNANSWERED_MS` while an answer is due, it is asked with a `ping`; silence after that means that it is lost. It is also asked on
 * waking up, because the connection may have ended meanwhile, and when this side has said nothing for long, because it has promised a
 * heartbeat.
 */

import { type Clocks, SleepDetector } from './sleep.ts';

export const UNANSWERED_MS = 15_000;
export const IDLE_MS = 45_000;
export const PING_MS = 10_000;
/** What the server is promised: it hears something from this client at least this often. */
export const HEARTBEAT_MS = 60_000;

export type Verdict = 'fine' | 'ping' | 'lost';

export class Watchdog {
  readonly #sleep: SleepDetector;
  #heardAt: number;
  #sentAt: number;
  #pingedAt: number | undefined;

  constructor(now: Clocks) {
    this.#sleep = new SleepDetector(now);
    this.#heardAt = now.monotonic;
    this.#sentAt = now.monotonic;
  }

  /** Something came; or we ourselves did not listen, and silence says nothing. In the monotonic clock. */
  heard(now: number): void {
    this.#heardAt = now;
    this.#pingedAt = undefined;
  }

  /** Something was sent. In the monotonic clock. */
  sent(now: number): void {
    this.#sentAt = now;
  }

  /**
   * To be called about once a second. After `ping` one is to be sent at once.
   * @param askedAt when the oldest request was made that has no answer, in the monotonic clock
   */
  check(clocks: Clocks, askedAt: number | undefined): Verdict {
    const now = clocks.monotonic;
    // An answer to an earlier ping may have come, and not been read.
    if (this.#sleep.hasSlept(clocks)) return this.#ping(now);
    if (this.#pingedAt !== undefined) return now - this.#pingedAt >= PING_MS ? 'lost' : 'fine';
    const quietSince = Math.max(this.#heardAt, askedAt ?? 0);
    const isQuiet = now - quietSince >= (askedAt === undefined ? IDLE_MS : UNANSWERED_MS);
    return isQuiet || now - this.#sentAt >= IDLE_MS ? this.#ping(now) : 'fine';
  }

  #ping(now: number): Verdict {
    this.#pingedAt = now;
    return 'ping';
  }
}
