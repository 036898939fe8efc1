/** The accounts that `parley load prepare` makes, and that a run logs in to: `load-1`, `load-2`, … with one password for all. */

/** For accounts that are prepared without a --password-file. Everybody can read it here. */
export const DEFAULT_PASSWORD = 'parley-load-test';

/** Of the account with that number, from 1 on. */
export function accountName(number: number): string {
  return `load-${number}`;
}
