/** Others who come in at a set rate, stay for a second, and go: a storm of logins. */

import { timerDelay } from '../../common/deadline.ts';
import type { Connection, Endpoint, Visitor, Wire, WireHandler } from '../wires/client-wire.ts';
import { now } from './clock.ts';
import type { Counts } from './counts.ts';
import type { Latencies } from './latencies.ts';

const STAY_MS = 1_000;
/** Visitors on their way in. Policy when there are more: those who are due then do not come, and are told as dropped. */
const COMING_LIMIT = 1_000;

export interface VisitorsOptions {
  readonly wire: Wire;
  readonly perSecond: number;
  readonly latencies: Latencies;
  readonly counts: Counts;
  readonly visitor: (number: number) => Visitor;
  readonly endpoint: (number: number) => Endpoint;
}

export class Visitors {
  readonly #options: VisitorsOptions;
  #timer: NodeJS.Timeout | undefined;
  #next = 0;
  #number = 0;
  #coming = 0;
  /** Logged in at the moment. */
  inside = 0;

  constructor(options: VisitorsOptions) {
    this.#options = options;
  }

  begin(): void {
    if (this.#options.perSecond === 0 || this.#timer !== undefined) return;
    this.#next = now();
    this.#timer = setInterval(() => this.#send(), timerDelay(Math.max(1, 500 / this.#options.perSecond)));
  }

  end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #send(): void {
    for (const time = now(); this.#next <= time; this.#next += 1_000_000 / this.#options.perSecond) {
      if (this.#coming < COMING_LIMIT) void this.#visit(this.#next);
      else this.#options.counts.failed('visitor: too many on their way in');
    }
  }

  async #visit(due: number): Promise<void> {
    const { wire, latencies, counts, visitor, endpoint } = this.#options;
    const number = this.#number;
    this.#number += 1;
    this.#coming += 1;
    let isIn = false;
    const handler: WireHandler = {
      ...NOTHING,
      closed: (reason) => {
        if (isIn) this.inside -= 1;
        if (reason !== '') counts.failed(`closed: ${reason}`);
      },
    };
    let connection: Connection | undefined;
    try {
      connection = await wire.connect(endpoint(number), handler);
      const connected = now();
      latencies.record('connect', connected - due);
      const entered = await connection.enter(visitor(number), undefined);
      if (entered.type === 'in') {
        latencies.record('login', now() - connected);
        isIn = true;
        this.inside += 1;
        this.#coming -= 1;
        await new Promise((resolve) => setTimeout(resolve, STAY_MS));
      } else if (entered.type !== 'lost') {
        counts.failed(`login: ${entered.type === 'refused' ? entered.code : entered.type}`);
      }
    } catch (error) {
      counts.failed(`connect: ${error instanceof Error ? error.message : String(error)}`);
    }
    if (!isIn) this.#coming -= 1;
    connection?.quit();
  }
}

const NOTHING: WireHandler = {
  came: () => {},
  message: () => {},
  acknowledged: () => {},
  refused: () => {},
  unasked: () => {},
  live: () => {},
  closed: () => {},
};
