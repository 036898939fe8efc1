/** A crowd that sends at a steady rate, connected or not, and reconnects by itself. */

import { setTimeout as wait } from 'node:timers/promises';
import { until } from '../../support/process.ts';
import type { Pick } from '../../support/random.ts';
import type { ResumingClient } from '../clients/resuming-client.ts';
import type { Crowd } from './crowd.ts';

/** The longest pause before an unreachable server is tried again, in milliseconds. */
const AGAIN_MS = 100;
const PADDING = 200;

export class SteadySenders {
  readonly #crowd: Crowd;
  readonly #pick: Pick;
  #talking: Promise<unknown> = Promise.resolve();
  #isOver = false;
  #failure: unknown;
  /** Called when a connection ends. */
  onLost: (client: ResumingClient, wasLive: boolean) => void = () => {};

  constructor(crowd: Crowd, pick: Pick) {
    this.#crowd = crowd;
    this.#pick = pick;
  }

  /**
   * Starts sending; everybody is logged in. `everyMs` is the average time between two messages of one client.
   */
  start(everyMs: number): void {
    for (const client of this.#crowd.clients) {
      client.onEnded = (wasLive) => {
        if (this.#isOver) return;
        this.onLost(client, wasLive);
        this.#comeBack(client).catch((error: unknown) => {
          this.#failure = error;
        });
      };
    }
    this.#talking = Promise.all(this.#crowd.clients.map((client) => this.#talk(client, everyMs)));
  }

  async everybodyIsLive(): Promise<void> {
    for (const client of this.#crowd.clients) {
      const isLive = (): boolean => client.isLive || this.#failure !== undefined;
      await until('everybody to be live', isLive, { state: () => client.state() });
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Stops sending and reconnecting. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#talking;
  }

  /** Reconnects after the time given in `bye` and a random delay, again and again. */
  async #comeBack(client: ResumingClient): Promise<void> {
    await wait(client.farewell?.retryAfterMs ?? 0);
    // A connection lost during login starts another reconnect by itself.
    do await wait(this.#pick(AGAIN_MS));
    while ((await client.enter()) === 'refused');
  }

  async #talk(client: ResumingClient, everyMs: number): Promise<void> {
    while (!this.#isOver) {
      await wait(this.#pick(2 * everyMs));
      this.#crowd.talk(client, this.#pick, PADDING);
    }
  }
}
