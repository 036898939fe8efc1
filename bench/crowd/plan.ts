/** Who is in a crowd. */

export interface CrowdPlan {
  readonly size: number;
  /** Of the accounts that `prepareAccounts` makes, from the first on; undefined for guests. */
  readonly password: string | undefined;
  /** Members of each room, where everybody is in one; 0 for no rooms. */
  readonly room: number;
}

/** What a crowd is told to do. */
export type Order =
  /** `atOnce`: how many may be on their way in at a time. */
  | {
      readonly type: 'come_in';
      readonly host: string;
      readonly port: number;
      readonly atOnce: number;
      readonly isBack: boolean;
    }
  | { readonly type: 'leave' };

/** What it answers when it has done so. */
export interface Done {
  /** How long it took. */
  readonly seconds: number;
  /** Tries to come in that came to nothing. */
  readonly failures: number;
}
