/**
 * What Ctrl-C means: it clears a half-typed line; on an empty line it warns, and the next one quits. A key that is held
 * down repeats, and MUST NOT quit: a press quits only if none follows at once. Pure; times are in ms.
 */

/** A key that is held repeats faster than this. */
export const REPEAT_MS = 100;

export type Meaning =
  | 'clear'
  | 'warn'
  | 'ignore' /** Quit, unless the key comes again within `REPEAT_MS`. */
  | 'quit';

export class InterruptKey {
  #state: 'idle' | 'warned' | 'quitting' | 'held' = 'idle';
  #lastAt = Number.NEGATIVE_INFINITY;

  press(now: number, isLineEmpty: boolean): Meaning {
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

  /** Any other key was pressed. */
  disarm(): void {
    this.#state = 'idle';
  }
}
