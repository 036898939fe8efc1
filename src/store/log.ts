/**
 * The log puts the batches of all writers into one order and gives them to every reader in that order. On one machine the
 * database of the fold is the log, and a batch comes back at once.
 */

import type { CommittedBatch } from '../chat/fold.ts';
import type { Batch } from '../chat/intent.ts';

export interface Log {
  /** Appends a batch. It comes back through `OnCommitted`, in this very call or later. */
  propose(batch: Batch): void;
  /** Resolves when every batch that anybody had proposed before this call has come back. */
  barrier(): Promise<void>;
  close(): void;
}

export type OnCommitted = (page: readonly CommittedBatch[]) => void;

/**
 * Opens a log. It gives the committed batches after `position` to `onCommitted`, in order and without a gap. A batch may come
 * again.
 */
export type OpenLog = (position: number, onCommitted: OnCommitted) => Log;

/** The log of a single machine, which does not number its batches. `now`: the wall clock. */
export function openLocalLog(now: () => number): OpenLog {
  return (_, onCommitted) => ({
    propose: (batch) => onCommitted([{ position: 0, at: now(), batch }]),
    barrier: () => Promise.resolve(),
    close: () => {},
  });
}
