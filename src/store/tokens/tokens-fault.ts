/** Interprets errors of the tokens' file. */

/** Primary result codes, https://www.sqlite.org/rescode.html */
const SQLITE = { error: 1, corrupt: 11, full: 13, notADatabase: 26 } as const;

export interface Fault {
  readonly type: 'damaged' | 'storage_full' | 'storage_failed';
  readonly reason: string;
}

/** The file is not a token database that this version can read. */
export class Damaged extends Error {}

/** Rethrows anything that is a bug rather than a fault of the file. */
export function faultOf(error: unknown): Fault {
  if (!(error instanceof Error)) throw error;
  const code = codeOf(error);
  if (error instanceof Damaged || code === SQLITE.corrupt || code === SQLITE.notADatabase) {
    return { type: 'damaged', reason: error.message };
  }
  if (code === SQLITE.full || ('code' in error && error.code === 'ENOSPC')) {
    return { type: 'storage_full', reason: error.message };
  }
  if (code === undefined && !('syscall' in error)) throw error;
  return { type: 'storage_failed', reason: error.message };
}

/** While opening the file: SQLite did not find something in it, such as a table. */
export function isUnreadable(error: unknown): error is Error {
  return error instanceof Error && codeOf(error) === SQLITE.error;
}

function codeOf(error: Error): number | undefined {
  return 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
}
