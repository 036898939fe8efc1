/** The messages to and from the thread of the idle clients. */

export interface IdleClientsPlan {
  readonly size: number;
  /** The password of the accounts from `prepareAccounts`; undefined for guests. */
  readonly password: string | undefined;
  /** Members per room; each client is in one room. 0 for no rooms. */
  readonly room: number;
}

/** A command to the thread. */
export type Command =
  /** `concurrency`: the number of concurrent logins. */
  | {
      readonly type: 'connect';
      readonly host: string;
      readonly port: number;
      readonly concurrency: number;
      readonly isReconnect: boolean;
    }
  | { readonly type: 'disconnect' };

/** The answer to a command. */
export interface Done {
  /** How long the command took. */
  readonly seconds: number;
  /** Failed attempts to log in. */
  readonly failures: number;
}
