/** A person who joins and leaves a room again and again while others talk there. */

import { setTimeout as wait } from 'node:timers/promises';
import type { Pick } from '../../support/random.ts';
import type { Report } from '../views/view-faults.ts';
import type { Device } from './resuming-client.ts';

/** How long it stays in or out, in ms, at most. */
const STAYS_MS = 20;

export class Mover {
  readonly #device: Device;
  readonly #room: string;
  readonly #pick: Pick;
  readonly #report: Report;
  #isResting = false;
  #moving = Promise.resolve();
  /** Joins and leaves that were asked. */
  asked = 0;

  constructor(device: Device, room: string, pick: Pick, report: Report) {
    this.#device = device;
    this.#room = room;
    this.#pick = pick;
    this.#report = report;
  }

  /** Begins to move, on a connection that is there, and goes on until that ends. */
  start(): void {
    // What had no answer on the connection before may have been carried out or not.
    this.#moving = this.#move(this.#device.rooms.includes(this.#room));
  }

  /** Moves no more; resolves when the last move has its answer. */
  async rest(): Promise<void> {
    this.#isResting = true;
    await this.#moving;
  }

  async #move(isIn: boolean): Promise<void> {
    for (let next = !isIn; ; next = !next) {
      await wait(this.#pick(STAYS_MS));
      if (this.#isResting || !this.#device.isConnected) return;
      this.asked += 1;
      const answer = await this.#device.questions.move(next ? 'join' : 'leave', this.#room);
      if (answer === undefined) return;
      if (answer[0] === 'ok') continue;
      this.#report('refused', `${this.#device.user}: ${JSON.stringify(answer)}`);
      return;
    }
  }
}
