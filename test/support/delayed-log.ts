/**
 * A log that stands in for a distant one: batches come back 0 to 200 ms later, in pages that are cut anywhere, mixed with
 * those of another writer, and some of them twice. `PARLEY_TEST_LOG` makes a server use it.
 */

import type { CommittedBatch } from '../../src/chat/fold.ts';
import type { Batch } from '../../src/chat/intent.ts';
import type { Log, OnCommitted } from '../../src/store/log.ts';

const LONGEST_MS = Number(process.env.PARLEY_TEST_LOG_MS ?? 200);
const MOST_IN_A_PAGE = 3;
/** Batches that may come once more. */
const KEPT = 4;

export function openLog(position: number, onCommitted: OnCommitted): Log {
  return new DelayedLog(position, onCommitted);
}

class DelayedLog implements Log {
  readonly #onCommitted: OnCommitted;
  #position: number;
  #waiting: Batch[] = [];
  #recent: CommittedBatch[] = [];
  #foreign = 0;
  #timer: NodeJS.Timeout | undefined;
  #barriers: Array<() => void> = [];

  constructor(position: number, onCommitted: OnCommitted) {
    this.#position = position;
    this.#onCommitted = onCommitted;
  }

  propose(batch: Batch): void {
    // What crosses to a distant log is plain data.
    this.#waiting.push(structuredClone(batch));
    this.#timer ??= setTimeout(() => this.#deliver(), Math.random() * LONGEST_MS);
  }

  barrier(): Promise<void> {
    if (this.#waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#barriers.push(resolve));
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #deliver(): void {
    this.#timer = undefined;
    const page = this.#waiting.splice(0, 1 + Math.floor(Math.random() * MOST_IN_A_PAGE));
    if (Math.random() < 0.3) page.splice(Math.floor(Math.random() * page.length), 0, this.#ofAnother());
    const committed = page.map((batch) => this.#commit(batch));
    const again = Math.random() < 0.2 ? this.#recent : [];
    this.#recent = [...this.#recent, ...committed].slice(-KEPT);
    this.#onCommitted([...again, ...committed]);
    if (this.#waiting.length > 0) {
      this.#timer = setTimeout(() => this.#deliver(), Math.random() * LONGEST_MS);
      return;
    }
    for (const resolve of this.#barriers.splice(0)) resolve();
  }

  #commit(batch: Batch): CommittedBatch {
    this.#position += 1;
    return { position: this.#position, at: Date.now(), batch };
  }

  #ofAnother(): Batch {
    this.#foreign += 1;
    return { writer: 'another', number: this.#foreign, intents: [] };
  }
}
