/** A crowd that says something at a steady rate, whether it is connected or not, and comes back by itself. */

import { setTimeout as wait } from 'node:timers/promises';
import { until } from '../../support/process.ts';
import type { Pick } from '../../support/random.ts';
import type { Device } from '../clients/resuming-client.ts';
import type { Crowd } from './crowd.ts';

/** A server that cannot be reached is tried again after this, at most. */
const AGAIN_MS = 100;
const PADDING = 200;

export class Regulars {
  readonly #crowd: Crowd;
  readonly #pick: Pick;
  #talking: Promise<unknown> = Promise.resolve();
  #isOver = false;
  #failure: unknown;
  /** Told of each connection that ended. */
  onLost: (device: Device, wasLive: boolean) => void = () => {};

  constructor(crowd: Crowd, pick: Pick) {
    this.#crowd = crowd;
    this.#pick = pick;
  }

  /** Everybody is in, and begins. `everyMs`: between two messages of one of them, on average. */
  start(everyMs: number): void {
    for (const device of this.#crowd.devices) {
      device.onEnded = (wasLive) => {
        if (this.#isOver) return;
        this.onLost(device, wasLive);
        this.#comeBack(device).catch((error: unknown) => {
          this.#failure = error;
        });
      };
    }
    this.#talking = Promise.all(this.#crowd.devices.map((device) => this.#talk(device, everyMs)));
  }

  async everybodyIsLive(): Promise<void> {
    for (const device of this.#crowd.devices) {
      const isLive = (): boolean => device.isLive || this.#failure !== undefined;
      await until('everybody to be live', isLive, { state: () => device.state() });
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Nobody says anything more, or comes back. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#talking;
  }

  /** As told by `bye`, with some chance in it; and then again and again. */
  async #comeBack(device: Device): Promise<void> {
    await wait(device.farewell?.retryAfterMs ?? 0);
    // A connection that is lost while it comes in calls for a return of its own.
    do await wait(this.#pick(AGAIN_MS));
    while ((await device.enter()) === 'refused');
  }

  async #talk(device: Device, everyMs: number): Promise<void> {
    while (!this.#isOver) {
      await wait(this.#pick(2 * everyMs));
      this.#crowd.talk(device, this.#pick, PADDING);
    }
  }
}
