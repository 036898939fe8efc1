/** Additional users who log in at a set rate, stay for a second and log out: a storm of logins. */

import { timerDelay } from '../../common/deadline.ts';
import type { Connection, Credentials, Endpoint, Wire, WireHandler } from '../wires/client-wire.ts';
import { now } from './clock.ts';
import type { Counts } from './counts.ts';
import type { Latencies } from './latencies.ts';

const STAY_MS = 1_000;
/** Most visitors that may be logging in at a time. Beyond that, visitors who become due are skipped and counted as an error. */
const LOGIN_LIMIT = 1_000;

export interface LoginVisitorsOptions {
  readonly wire: Wire;
  readonly perSecond: number;
  readonly latencies: Latencies;
  readonly counts: Counts;
  readonly credentials: (number: number) => Credentials;
  readonly endpoint: (number: number) => Endpoint;
}

export class LoginVisitors {
  readonly #options: LoginVisitorsOptions;
  #timer: NodeJS.Timeout | undefined;
  /** When the next visitor is due, in microseconds. */
  #nextDue = 0;
  #nextNumber = 0;
  #loggingIn = 0;
  /** Visitors that are logged in now. */
  connected = 0;

  constructor(options: LoginVisitorsOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#options.perSecond === 0 || this.#timer !== undefined) return;
    this.#nextDue = now();
    this.#timer = setInterval(() => this.#sendDue(), timerDelay(Math.max(1, 500 / this.#options.perSecond)));
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #sendDue(): void {
    for (const time = now(); this.#nextDue <= time; this.#nextDue += 1_000_000 / this.#options.perSecond) {
      if (this.#loggingIn < LOGIN_LIMIT) void this.#visit(this.#nextDue);
      else this.#options.counts.failed('visitor skipped: too many are logging in');
    }
  }

  async #visit(due: number): Promise<void> {
    const { wire, latencies, counts, credentials, endpoint } = this.#options;
    const number = this.#nextNumber;
    this.#nextNumber += 1;
    this.#loggingIn += 1;
    let isLoggedIn = false;
    const handler: WireHandler = {
      ...NOTHING,
      closed: (reason) => {
        if (isLoggedIn) this.connected -= 1;
        if (reason !== '') counts.failed(`closed: ${reason}`);
      },
    };
    let connection: Connection | undefined;
    try {
      connection = await wire.connect(endpoint(number), handler);
      const connected = now();
      latencies.record('connect', connected - due);
      const result = await connection.login(credentials(number), undefined);
      if (result.type === 'ok') {
        latencies.record('login', now() - connected);
        isLoggedIn = true;
        this.connected += 1;
        this.#loggingIn -= 1;
        await new Promise((resolve) => setTimeout(resolve, STAY_MS));
      } else if (result.type !== 'lost') {
        counts.failed(`login: ${result.type === 'refused' ? result.code : result.type}`);
      }
    } catch (error) {
      counts.failed(`connect: ${error instanceof Error ? error.message : String(error)}`);
    }
    if (!isLoggedIn) this.#loggingIn -= 1;
    connection?.quit();
  }
}

const NOTHING: WireHandler = {
  readStarted: () => {},
  message: () => {},
  acknowledged: () => {},
  refused: () => {},
  unexpected: () => {},
  live: () => {},
  closed: () => {},
};
