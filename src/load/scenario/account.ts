/** The accounts that `parley load prepare` creates and a run logs in to: `load-1`, `load-2`, …, all with the same password. */

/** The password of accounts that were prepared without --password-file. It is public. */
export const DEFAULT_PASSWORD = 'parley-load-test';

/** `number` starts at 1. */
export function accountName(number: number): string {
  return `load-${number}`;
}
