/**
 * Decides whether a silent server is still alive. Pure: the time is passed in.
 *
 * Any data from the server counts as a sign of life. A `ping` is sent after `IDLE_MS` of silence, or after
 * `UNANSWERED_MS` if a request is unanswered. If the server stays silent after that, the connection is lost. A `ping`
 * is also sent when the machine wakes up, because the connection may have died in the meantime, and when this side has
 * been idle for `IDLE_MS`, because the client has promised a heartbeat.
 */

import { type Clocks, SleepDetector } from './sleep.ts';

export const UNANSWERED_MS = 15_000;
export const IDLE_MS = 45_000;
export const PING_MS = 10_000;
/** The heartbeat promised to the server: it hears from this client at least this often. */
export const HEARTBEAT_MS = 60_000;

export type Verdict = 'fine' | 'ping' | 'lost';

export class Keepalive {
  readonly #sleep: SleepDetector;
  #heardAt: number;
  #sentAt: number;
  #pingedAt: number | undefined;

  constructor(now: Clocks) {
    this.#sleep = new SleepDetector(now);
    this.#heardAt = now.monotonic;
    this.#sentAt = now.monotonic;
  }

  /** Data arrived, or the client itself was not listening, so that silence means nothing. `now` is monotonic time. */
  heard(now: number): void {
    this.#heardAt = now;
    this.#pingedAt = undefined;
  }

  /** Data was sent. `now` is monotonic time. */
  sent(now: number): void {
    this.#sentAt = now;
  }

  /**
   * Call about once a second. When it returns `ping`, send one at once.
   * @param oldestRequestAt when the oldest unanswered request was sent, in monotonic time
   */
  check(clocks: Clocks, oldestRequestAt: number | undefined): Verdict {
    const now = clocks.monotonic;
    // Checked before the pending ping: the answer to it may have arrived but not been read while the process was
    // suspended.
    if (this.#sleep.hasSlept(clocks)) return this.#ping(now);
    if (this.#pingedAt !== undefined) return now - this.#pingedAt >= PING_MS ? 'lost' : 'fine';
    const quietSince = Math.max(this.#heardAt, oldestRequestAt ?? 0);
    const isQuiet = now - quietSince >= (oldestRequestAt === undefined ? IDLE_MS : UNANSWERED_MS);
    return isQuiet || now - this.#sentAt >= IDLE_MS ? this.#ping(now) : 'fine';
  }

  #ping(now: number): Verdict {
    this.#pingedAt = now;
    return 'ping';
  }
}
