/** Counts a server's checkpoints: moving the write-ahead log into `chat.db` is the only time it writes to that file. */

import { statSync } from 'node:fs';
import { join } from 'node:path';

/** Far less than the quarter of a second between two checkpoints. */
const POLL_MS = 25;

export class CheckpointWatch {
  readonly #file: string;
  readonly #timer: NodeJS.Timeout;
  #changedAt = 0;
  #count = 0;

  /** `data`: the server's data folder. */
  constructor(data: string) {
    this.#file = join(data, 'chat.db');
    this.#timer = setInterval(() => this.#poll(), POLL_MS);
  }

  /** Stops watching and returns the number of checkpoints. */
  stop(): number {
    clearInterval(this.#timer);
    return this.#count;
  }

  #poll(): void {
    const changedAt = statSync(this.#file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (changedAt !== this.#changedAt) this.#count += 1;
    this.#changedAt = changedAt;
  }
}
