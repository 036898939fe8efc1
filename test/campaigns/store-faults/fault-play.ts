/** A script of operations on one store, which can be run on a disk whose n-th operation fails. */

import { StorageFailure } from '../../../src/chat/projection.ts';
import type { Findings } from '../campaign.ts';

export interface PlayOptions {
  readonly data: string;
  /** Whether other connections have the files open too. */
  readonly isShared: boolean;
  /** Whether reads may fail. */
  readonly mayNotRead: boolean;
  readonly findings: Findings;
}

export interface FaultPlay {
  readonly data: string;
  /** The same steps in the same order every time, whatever the disk does. */
  readonly steps: ReadonlyArray<() => unknown>;
  /** Acknowledgements so far. */
  readonly acknowledged: number;
  /** Called when the disk works again: settles everything and checks that everything can be written. */
  settle(): unknown;
  /** Closes the store and compares its content with what was promised. */
  check(): unknown;
  /** Compares what a power cut at this moment would have left, in another folder, with what was promised. */
  checkLeft(left: string, when: string): void;
  /** Closes the files, as at the end of a process. */
  close(): void;
  /** The next process, on a copy of the folder, with this one's promises. */
  next(data: string): FaultPlay;
}

/** The kinds of findings of every script. */
export const PLAY_KINDS = ['died', 'no answer', 'odd answer', 'not read', 'no recovery', 'damaged'] as const;

/**
 * Primary result codes, https://www.sqlite.org/rescode.html. SQLite reports an EIO during a read as a corrupt
 * disk.
 */
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;

/** True for an SQLite error about a disk that cannot be read. */
export function isReadError(error: unknown): boolean {
  const cause = error instanceof StorageFailure ? error.cause : error;
  if (!(cause instanceof Error && 'errcode' in cause)) return false;
  const code = Number(cause.errcode) & 0xff;
  return code === SQLITE_IOERR || code === SQLITE_CORRUPT;
}

export function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
