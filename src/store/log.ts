/**
 * The log: one order of batches for everybody who writes and reads. Batches go in; they come back in their places, to every
 * reader. On one machine it is the database of the fold itself, and a batch comes back at once.
 */

import type { CommittedBatch } from '../chat/fold.ts';
import type { Batch } from '../chat/intent.ts';

export interface Log {
  /** Appends a batch. It comes back through `OnCommitted`, in this very call or later. */
  propose(batch: Batch): void;
  /** Resolves when all that had been proposed by anybody before has come back. */
  barrier(): Promise<void>;
  close(): void;
}

export type OnCommitted = (page: readonly CommittedBatch[]) => void;

/**
 * Opens a log whose committed batches are given to `onCommitted`, in order, from behind `position` on. Batches up to there
 * may come once more.
 */
export type OpenLog = (position: number, onCommitted: OnCommitted) => Log;

/** `now`: the wall clock. */
export function openLocalLog(now: () => number): OpenLog {
  return (_, onCommitted) => ({
    propose: (batch) => onCommitted([{ position: 0, at: now(), batch }]),
    barrier: () => Promise.resolve(),
    close: () => {},
  });
}
