/** What an error of the file of tokens means. */

/** Primary result codes, https://www.sqlite.org/rescode.html */
const SQLITE = { error: 1, corrupt: 11, full: 13, notADatabase: 26 } as const;

export interface Fault {
  readonly type: 'damaged' | 'storage_full' | 'storage_failed';
  readonly reason: string;
}

/** The file is no database of tokens that this version can read. */
export class Damaged extends Error {}

/** Throws what is no fault of the file, but a bug. */
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

/** While the file is opened: what SQLite does not find in it, such as a table. */
export function isUnreadable(error: unknown): error is Error {
  return error instanceof Error && codeOf(error) === SQLITE.error;
}

function codeOf(error: Error): number | undefined {
  return 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
}
