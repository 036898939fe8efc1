/**
 * The meaning of Ctrl-C: it clears a half-typed line; on an empty line the first press warns and the next one quits. A
 * key held down repeats and MUST NOT quit, so a press quits only if no other follows at once. Pure; times are in ms.
 */

/** A key held down repeats faster than this. */
export const REPEAT_MS = 100;

export type InterruptAction =
  | 'clear'
  | 'warn'
  | 'ignore' /** Quit, unless the key is pressed again within `REPEAT_MS`. */
  | 'quit';

export class InterruptKey {
  #state: 'idle' | 'warned' | 'quitting' | 'held' = 'idle';
  #lastAt = Number.NEGATIVE_INFINITY;

  press(now: number, isLineEmpty: boolean): InterruptAction {
    const isRepeat = now - this.#lastAt < REPEAT_MS;
    this.#lastAt = now;
    if (!isLineEmpty) {
      this.#state = 'idle';
      return 'clear';
    }
    if (this.#state === 'idle') {
      this.#state = 'warned';
      return 'warn';
    }
    if (isRepeat && this.#state !== 'warned') {
      this.#state = 'held';
      return 'ignore';
    }
    this.#state = 'quitting';
    return 'quit';
  }

  /** Call when any other key is pressed. */
  disarm(): void {
    this.#state = 'idle';
  }
}
