/** Measures how late a thread's timers fire: a generator that lags measures itself. */

const EVERY_MS = 20;
/** Most values kept between two reports. */
const MOST = 1_000;

export class TimerLag {
  #lags: number[] = [];
  #last = performance.now();
  readonly #timer = setInterval(() => {
    const time = performance.now();
    if (this.#lags.length < MOST) this.#lags.push(Math.max(0, time - this.#last - EVERY_MS));
    this.#last = time;
  }, EVERY_MS).unref();

  /** The lags since the last call, in milliseconds. */
  take(): number[] {
    const taken = this.#lags;
    this.#lags = [];
    return taken;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
