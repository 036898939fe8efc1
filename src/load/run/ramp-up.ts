/** How the users of a thread come in: one after the other, and again if the server did not let them in. */

import type { User } from '../generator/user.ts';

/** Logins under way at a time: less than a server lets wait for a password check. */
const AT_ONCE = 50;
const RETRY_MS = 300;

/**
 * Evenly over that time, or as fast as the server can. `isOver`: whether it is given up, `lateMs` behind the end of that time.
 * Resolves when everybody is in or was refused for good, or when it is over.
 */
export async function bringIn(
  users: readonly User[],
  seconds: number,
  isOver: (lateMs: number) => boolean,
): Promise<void> {
  const began = performance.now();
  const isNoUse = (): boolean => isOver(performance.now() - began - seconds * 1_000);
  const queue = users.entries();
  const bring = async (): Promise<void> => {
    for (const [place, user] of queue) {
      const due = began + (seconds * 1_000 * place) / users.length;
      const wait = due - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      if (isNoUse()) return;
      while (!(await user.comeIn()) && user.where === 'outside') {
        if (isNoUse()) return;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, bring));
}
