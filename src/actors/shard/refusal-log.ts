/**
 * Logs the refusals of one connection: the first few of each minute, then only their number, so that a client cannot fill the
 * log. Time is passed in, from a monotonic clock.
 */

import type { Logger } from 'pino';

const LOGGED_PER_WINDOW = 10;
const WINDOW_MS = 60_000;
const NAME_LIMIT = 64;

export class RefusalLog {
  readonly #log: Logger;
  readonly #connection: number;
  #windowEnd = Number.NEGATIVE_INFINITY;
  #logged = 0;
  #omitted = 0;

  constructor(log: Logger, connection: number) {
    this.#log = log;
    this.#connection = connection;
  }

  /** `details`: more fields of the log line, which may replace its event. */
  write(code: string, details: object, now: number): void {
    // Anyone who watches the log for guessed passwords needs all of them. The login throttle limits their number.
    if (code !== 'wrong_credentials' && !this.#admits(now)) return;
    const omitted = this.#takeOmitted();
    const fields = { event: 'refused', connection: this.#connection, code, omitted, ...details };
    this.#log.info(fields, fields.event);
  }

  /** Logs how many refusals have not been mentioned yet. */
  close(): void {
    const omitted = this.#takeOmitted();
    if (omitted === undefined) return;
    const fields = { event: 'refused.omitted', connection: this.#connection, omitted };
    this.#log.info(fields, 'more refusals were not logged');
  }

  #admits(now: number): boolean {
    if (now >= this.#windowEnd) {
      this.#windowEnd = now + WINDOW_MS;
      this.#logged = 0;
    }
    const isLogged = this.#logged < LOGGED_PER_WINDOW;
    if (isLogged) this.#logged += 1;
    else this.#omitted += 1;
    return isLogged;
  }

  #takeOmitted(): number | undefined {
    const omitted = this.#omitted;
    this.#omitted = 0;
    return omitted === 0 ? undefined : omitted;
  }
}

/** Log fields for a failed login or registration: its event, the name it was for, and where it came from. */
export function failureDetails(
  event: string,
  name: unknown,
  address: string,
): { readonly event: string; readonly name: string; readonly address: string } {
  return { event, name: nameForLog(name), address };
}

/** A name as a client sent it, made safe for the log: short, and printable ASCII only. */
function nameForLog(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, NAME_LIMIT).replace(/[^ -~]/g, '?') : '';
}
