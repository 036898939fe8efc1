/** A numbered log in memory whose batches come back when the test says so. It survives the registries that use it. */

import type { CommittedBatch } from '../../src/chat/fold.ts';
import type { Batch, Intent } from '../../src/chat/intent.ts';
import type { Log, OnCommitted, OpenLog } from '../../src/store/log.ts';

const EMPTY: Batch = { writer: 'another', number: 0, intents: [] };

export class HeldLog {
  /** Batches that have been proposed and not been committed. */
  readonly proposed: Batch[] = [];
  readonly #committed: CommittedBatch[] = [];
  readonly #readers = new Set<Reader>();
  #foreign = 0;

  readonly open: OpenLog = (position, onCommitted) => {
    const reader = new Reader(this, position, onCommitted);
    this.#readers.add(reader);
    return reader;
  };

  propose(batch: Batch): void {
    // What crosses to a distant log is plain data.
    this.proposed.push(structuredClone(batch));
  }

  /** Another node proposes these. */
  proposeForeign(...intents: Intent[]): void {
    this.#foreign += 1;
    this.propose({ writer: 'another', number: this.#foreign, intents });
  }

  /** Commits what has been proposed, and gives it to every reader as one page. */
  release(): void {
    for (const batch of this.proposed.splice(0)) {
      this.#committed.push({ position: this.#committed.length + 1, at: Date.now(), batch });
    }
    for (const reader of this.#readers) reader.read(this.#committed);
  }

  /** Commits what has been proposed, and one more batch that nobody gets. */
  skip(): void {
    this.#committed.push({
      position: this.#committed.length + 2,
      at: Date.now(),
      batch: this.proposed.splice(0)[0] ?? EMPTY,
    });
    for (const reader of this.#readers) reader.read(this.#committed);
  }

  /** True when the reader has everything that anybody has proposed. */
  isRead(position: number): boolean {
    return this.proposed.length === 0 && position >= this.#committed.length;
  }

  close(reader: Reader): void {
    this.#readers.delete(reader);
  }
}

class Reader implements Log {
  readonly #log: HeldLog;
  readonly #onCommitted: OnCommitted;
  #position: number;
  #barriers: Array<() => void> = [];

  constructor(log: HeldLog, position: number, onCommitted: OnCommitted) {
    this.#log = log;
    this.#position = position;
    this.#onCommitted = onCommitted;
  }

  propose(batch: Batch): void {
    this.#log.propose(batch);
  }

  barrier(): Promise<void> {
    if (this.#log.isRead(this.#position)) return Promise.resolve();
    return new Promise((resolve) => this.#barriers.push(resolve));
  }

  read(committed: readonly CommittedBatch[]): void {
    const page = committed.slice(this.#position);
    this.#position = committed.length;
    if (page.length > 0) this.#onCommitted(page);
    for (const resolve of this.#barriers.splice(0)) resolve();
  }

  close(): void {
    this.#log.close(this);
  }
}
