/** Counts how often a server moves its write-ahead log into `chat.db`: nothing else writes to that file. */

import { statSync } from 'node:fs';
import { join } from 'node:path';

/** Far below the quarter of a second between two checkpoints. */
const LOOK_MS = 25;

export class CheckpointWatch {
  readonly #file: string;
  readonly #timer: NodeJS.Timeout;
  #changedAt = 0;
  #count = 0;

  /** `data`: the data folder. */
  constructor(data: string) {
    this.#file = join(data, 'chat.db');
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  /** Ends it. Returns how many there were. */
  stop(): number {
    clearInterval(this.#timer);
    return this.#count;
  }

  #look(): void {
    const changedAt = statSync(this.#file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (changedAt !== this.#changedAt) this.#count += 1;
    this.#changedAt = changedAt;
  }
}
