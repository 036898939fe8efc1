/** A numbered log in memory that commits batches only when the test says so. It outlives the registries that use it. */

import type { CommittedBatch } from '../../src/chat/fold.ts';
import type { Batch, Intent } from '../../src/chat/intent.ts';
import type { Log, OnCommitted, OpenLog } from '../../src/store/log.ts';

const EMPTY: Batch = { writer: 'another', number: 0, intents: [] };

export class HeldLog {
  /** Batches that are proposed and not yet committed. */
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
    // Only plain data can cross to a distant log.
    this.proposed.push(structuredClone(batch));
  }

  /** Proposes intents as another node. */
  proposeForeign(...intents: Intent[]): void {
    this.#foreign += 1;
    this.propose({ writer: 'another', number: this.#foreign, intents });
  }

  /** Commits all proposed batches, and passes them to every reader as one page. */
  release(): void {
    for (const batch of this.proposed.splice(0)) {
      this.#committed.push({ position: this.#committed.length + 1, at: Date.now(), batch });
    }
    for (const reader of this.#readers) reader.read(this.#committed);
  }

  /** Commits one proposed batch with a gap before its position. */
  skip(): void {
    this.#committed.push({
      position: this.#committed.length + 2,
      at: Date.now(),
      batch: this.proposed.splice(0)[0] ?? EMPTY,
    });
    for (const reader of this.#readers) reader.read(this.#committed);
  }

  /** True if nothing is proposed, and a reader at `position` has read everything. */
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
