/** The user behind one or more clients. */

import { passwordOf } from '../accounts/cheap-accounts.ts';

export interface Owner {
  readonly user: string;
  /** Undefined for a guest, who is a new account at each login. */
  readonly password: string | undefined;
  /**
   * The highest ids for which `seen` was acknowledged and requested. `areKept` is false if the registry dies
   * in the run, because it then forgets the latest ones.
   */
  readonly marks: { answered: number; asked: number; readonly areKept: boolean };
}

/** A user with an account. */
export function ownerOf(user: string, areKept = true): Owner {
  return { user, password: passwordOf(user), marks: { answered: 0, asked: 0, areKept } };
}
