/** What can be played on a disk whose n-th operation fails: one store, and what its users do with it. */

import type { Findings } from '../campaign.ts';

export interface PlayOptions {
  readonly data: string;
  /** Whether others, too, have the files open. */
  readonly isShared: boolean;
  /** The disk may refuse to be read. */
  readonly mayNotRead: boolean;
  readonly findings: Findings;
}

export interface FaultPlay {
  readonly data: string;
  /** The same every time, in this order, whatever the disk does. */
  readonly steps: ReadonlyArray<() => unknown>;
  /** How much has been acknowledged so far. */
  readonly acknowledged: number;
  /** The disk works again: all that is open is settled, and everything can be done again. */
  settle(): unknown;
  /** Ends it, and compares what is left with what was promised. */
  check(): unknown;
  /** Compares what a power cut at this moment would have left, in another folder. */
  checkLeft(left: string, when: string): void;
  /** Leaves its files alone, as at the end of a process. */
  close(): void;
  /** The next process, in a copy of the folder, with all that was promised by this one. */
  next(data: string): FaultPlay;
}

/** Broken promises of all plays. */
export const PLAY_KINDS = ['died', 'no answer', 'odd answer', 'not read', 'no recovery', 'damaged'] as const;

/** Primary result codes, https://www.sqlite.org/rescode.html: SQLite takes an EIO while it reads for a corrupt disk. */
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;

/** True for what SQLite says of a disk that could not be read. */
export function isReadError(error: unknown): boolean {
  if (!(error instanceof Error && 'errcode' in error)) return false;
  const code = Number(error.errcode) & 0xff;
  return code === SQLITE_IOERR || code === SQLITE_CORRUPT;
}

export function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
