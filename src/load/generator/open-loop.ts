/** Messages that are due at random moments, a Poisson process, whether or not the server keeps up. */

import { timerDelay } from '../../common/deadline.ts';
import { below, type Random } from '../scenario/random.ts';
import { now } from './clock.ts';
import type { Say, Talk, Voice } from './send-schedule.ts';

/** Below this many messages a second a thread waits for each without sleeping in the last millisecond, which timers cannot meet. */
const EXACT_BELOW = 200;
const SECOND_US = 1_000_000;

/** Voices that say equally much. */
export interface Part {
  readonly voices: readonly Voice[];
  /** Messages a second at the full rate. */
  readonly rate: number;
}

export class OpenLoop implements Talk {
  readonly #parts: readonly Part[];
  readonly #random: Random;
  readonly #say: Say;
  readonly #full: number;
  #rate = 0;
  #next = 0;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;

  constructor(parts: readonly Part[], random: Random, say: Say) {
    this.#parts = parts;
    this.#random = random;
    this.#say = say;
    this.#full = parts.reduce((sum, { rate }) => sum + rate, 0);
  }

  begin(rate: number): void {
    this.silence();
    this.#rate = this.#full * rate;
    if (this.#rate === 0) return;
    this.#next = now() + this.#interval();
    this.#wait();
  }

  silence(): void {
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
      const voice = this.#draw();
      if (voice !== undefined) this.#say(voice, this.#next);
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

  #draw(): Voice | undefined {
    let at = this.#random() * this.#full;
    for (const { voices, rate } of this.#parts) {
      at -= rate;
      if (at < 0) return voices[below(this.#random, voices.length)];
    }
    return undefined;
  }
}
