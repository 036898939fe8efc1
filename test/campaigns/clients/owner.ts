/** Whose a device is: one person, on all devices. */

import { passwordOf } from '../accounts/cheap-accounts.ts';

export interface Owner {
  readonly user: string;
  /** Undefined for a guest, who is somebody else each time. */
  readonly password: string | undefined;
  /** What `seen` has been answered for, and asked for. `areKept`: false where the registry dies, which forgets the newest. */
  readonly marks: { answered: number; asked: number; readonly areKept: boolean };
}

/** Somebody who has an account. */
export function ownerOf(user: string, areKept = true): Owner {
  return { user, password: passwordOf(user), marks: { answered: 0, asked: 0, areKept } };
}
