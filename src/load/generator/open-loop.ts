/** An open loop: messages are due at random times, as a Poisson process, whether or not the server keeps up. */

import { timerDelay } from '../../common/deadline.ts';
import { below, type Random } from '../scenario/random.ts';
import { now } from './clock.ts';
import type { Send, SendSchedule, Writer } from './send-schedule.ts';

/**
 * Below this many messages per second, a thread does not sleep during the last millisecond before a message, because timers are
 * not that exact.
 */
const EXACT_BELOW = 200;
const SECOND_US = 1_000_000;

/** Writers that all send at the same rate. */
export interface WriterGroup {
  readonly writers: readonly Writer[];
  /** Messages per second of all of them together, at the full rate. */
  readonly rate: number;
}

export class OpenLoop implements SendSchedule {
  readonly #groups: readonly WriterGroup[];
  readonly #random: Random;
  readonly #send: Send;
  readonly #fullRate: number;
  #rate = 0;
  #next = 0;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;

  constructor(groups: readonly WriterGroup[], random: Random, send: Send) {
    this.#groups = groups;
    this.#random = random;
    this.#send = send;
    this.#fullRate = groups.reduce((sum, { rate }) => sum + rate, 0);
  }

  start(rate: number): void {
    this.stop();
    this.#rate = this.#fullRate * rate;
    if (this.#rate === 0) return;
    this.#next = now() + this.#interval();
    this.#wait();
  }

  stop(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#rate = 0;
  }

  arrived(): void {}

  refused(): void {}

  tick(): void {}

  readonly #run = (): void => {
    const time = now();
    while (this.#next <= time) {
      const writer = this.#draw();
      if (writer !== undefined) this.#send(writer, this.#next);
      this.#next += this.#interval();
    }
    this.#wait();
  };

  #wait(): void {
    const ms = (this.#next - now()) / 1_000;
    if (ms > 2) this.#timer = setTimeout(this.#run, timerDelay(Math.floor(ms) - 1));
    else if (this.#rate < EXACT_BELOW) this.#immediate = setImmediate(this.#run);
    else this.#timer = setTimeout(this.#run, 1);
  }

  #interval(): number {
    return (-Math.log(1 - this.#random()) / this.#rate) * SECOND_US;
  }

  #draw(): Writer | undefined {
    let left = this.#random() * this.#fullRate;
    for (const { writers, rate } of this.#groups) {
      left -= rate;
      if (left < 0) return writers[below(this.#random, writers.length)];
    }
    return undefined;
  }
}
