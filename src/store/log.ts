/**
 * The log puts the batches of all writers into one order, and gives them to every reader in that order. On a single
 * machine the fold's database is the log, and a proposed batch is committed at once.
 */

import type { CommittedBatch } from '../chat/fold.ts';
import type { Batch } from '../chat/intent.ts';

export interface Log {
  /** Appends a batch. The log calls `OnCommitted` with it during this call or later. */
  propose(batch: Batch): void;
  /** Resolves once `OnCommitted` has been called with every batch that any writer proposed before this call. */
  barrier(): Promise<void>;
  close(): void;
}

export type OnCommitted = (page: readonly CommittedBatch[]) => void;

/**
 * Opens a log. It passes the committed batches after `position` to `onCommitted`, in order and without gaps. It may pass a
 * batch more than once.
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
