/** How much longer than asked a thread's timers take: what is measured in a thread that does not come to it in time is not the server's. */

const EVERY_MS = 20;
/** Values kept from one report to the next. */
const MOST = 1_000;

export class Delay {
  #late: number[] = [];
  #last = performance.now();
  readonly #timer = setInterval(() => {
    const time = performance.now();
    if (this.#late.length < MOST) this.#late.push(Math.max(0, time - this.#last - EVERY_MS));
    this.#last = time;
  }, EVERY_MS).unref();

  /** In milliseconds, since the last call. */
  take(): number[] {
    const taken = this.#late;
    this.#late = [];
    return taken;
  }

  end(): void {
    clearInterval(this.#timer);
  }
}
