/** Errors of SQLite as failures of the storage. */

import { StorageFailure } from '../../chat/projection.ts';

/** Runs a query. Throws a `StorageFailure` if the database cannot be read. */
export function read<T>(query: () => T): T {
  try {
    return query();
  } catch (error) {
    if (!isSqliteError(error) && !isClosed(error)) throw error;
    throw new StorageFailure(`chat.db cannot be read: ${error.message}`, { cause: error });
  }
}

export function isSqliteError(error: unknown): error is Error & { readonly errcode: number } {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number';
}

/** The error of a database that is closed, because it could not be reopened. */
function isClosed(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && error.code === 'ERR_INVALID_STATE';
}
