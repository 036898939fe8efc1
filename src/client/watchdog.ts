/**
 * Whether a silent server is still there. Pure: time is passed in, in ms of one clock that only goes forward.
 *
 * Whatever the server sends is a sign of life. When it has been silent for long, longer than `IDLE_MS`, or than
 * `UNANSWERED_MS` while an answer is due, it is asked with a `ping`; silence after that means that it is lost.
 */

export const UNANSWERED_MS = 15_000;
export const IDLE_MS = 60_000;
export const PING_MS = 10_000;

export type Verdict = 'fine' | 'ping' | 'lost';

export class Watchdog {
  #heardAt: number;
  #pingedAt: number | undefined;

  constructor(now: number) {
    this.#heardAt = now;
  }

  /** Something came; or we ourselves did not listen, and silence says nothing. */
  heard(now: number): void {
    this.#heardAt = now;
    this.#pingedAt = undefined;
  }

  /** `askedAt`: when the oldest request was made that has no answer. After `ping` one is to be sent at once. */
  check(now: number, askedAt: number | undefined): Verdict {
    if (this.#pingedAt !== undefined) return now - this.#pingedAt >= PING_MS ? 'lost' : 'fine';
    const quietSince = Math.max(this.#heardAt, askedAt ?? 0);
    if (now - quietSince < (askedAt === undefined ? IDLE_MS : UNANSWERED_MS)) return 'fine';
    this.#pingedAt = now;
    return 'ping';
  }
}
