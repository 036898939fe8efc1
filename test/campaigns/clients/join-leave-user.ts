/** A user who keeps joining and leaving a room while others send there. */

import { setTimeout as wait } from 'node:timers/promises';
import type { Pick } from '../../support/random.ts';
import type { Report } from '../views/view-faults.ts';
import type { ResumingClient } from './resuming-client.ts';

/** The longest time in or out of the room, in milliseconds. */
const STAYS_MS = 20;

export class JoinLeaveUser {
  readonly #client: ResumingClient;
  readonly #room: string;
  readonly #pick: Pick;
  readonly #report: Report;
  #isResting = false;
  #moving = Promise.resolve();
  /** How many joins and leaves were requested. */
  asked = 0;

  constructor(client: ResumingClient, room: string, pick: Pick, report: Report) {
    this.#client = client;
    this.#room = room;
    this.#pick = pick;
    this.#report = report;
  }

  /** Starts on an open connection, and continues until it ends. */
  start(): void {
    // The last move of the previous connection may have been carried out or not, if it had no answer.
    this.#moving = this.#move(this.#client.rooms.includes(this.#room));
  }

  /** Stops, and resolves when the last move has been answered. */
  async rest(): Promise<void> {
    this.#isResting = true;
    await this.#moving;
  }

  async #move(isIn: boolean): Promise<void> {
    for (let next = !isIn; ; next = !next) {
      await wait(this.#pick(STAYS_MS));
      if (this.#isResting || !this.#client.isConnected) return;
      this.asked += 1;
      const answer = await this.#client.requests.move(next ? 'join' : 'leave', this.#room);
      if (answer === undefined) return;
      if (answer[0] === 'ok') continue;
      this.#report('refused', `${this.#client.user}: ${JSON.stringify(answer)}`);
      return;
    }
  }
}
