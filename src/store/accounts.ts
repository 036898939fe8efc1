/**
 * The password store: which accounts there are, and the hash of each one's password. Names are equal when they
 * differ only in case (`foldName`); an account keeps the spelling it was last stored with.
 */

/** One account. `hash` is argon2 in PHC form; `since` is when the account was registered, as `2026-11-22T06:15:38Z`. */
export interface Account {
  readonly name: string;
  readonly hash: string;
  readonly since: string;
}

/** A registration or a change of password. `at` is the time of the registration; it is stored to the second. */
export interface AccountChange {
  readonly name: string;
  readonly hash: string;
  readonly at: Date;
  /** Set for a new password of an account that exists. If someone has removed the account meanwhile, it stays removed. */
  readonly isReplacement?: boolean;
}

/**
 * How an append ended. `stored`: it is on disk. `storage_full`: the disk is full and nothing of it is stored.
 * `storage_failed`: the disk failed (or takes no more); whether it is stored is not known until the next
 * append that is `stored`, or the next start.
 */
export type AppendOutcome = 'stored' | 'storage_full' | 'storage_failed';

/** `removed`: the account whose password was to change is gone, and nothing is stored. */
export type ChangeOutcome = AppendOutcome | 'removed';

export interface AccountStore {
  /** How many accounts there are. */
  readonly size: number;
  /** The account of that name, in any case. Shows a change only once it is on disk. */
  find(name: string): Account | undefined;
  /** Every account's name, in its own spelling, in no promised order. */
  names(): Iterable<string>;
  /**
   * Appends a change; the last one of a name wins. Changes take effect in the order of the calls. It does not ask
   * whether the name is taken: its owner does. A name or hash that could not be read back throws `RangeError`.
   */
  append(change: AccountChange): Promise<ChangeOutcome>;
  /** Looks whether somebody else has changed the accounts where they are stored, and takes them over if so. Call it now and then. */
  refresh(): Promise<void>;
  /** Writes what is waiting, then closes. An append after this answers `storage_failed`. */
  close(): Promise<void>;
}
