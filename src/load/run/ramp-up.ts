/** Connects the users of a thread one after the other, and retries those that the server did not let in. */

import type { User } from '../generator/user.ts';

/** Concurrent logins: fewer than a server allows to wait for a password check. */
const MAX_CONCURRENT_LOGINS = 50;
const RETRY_MS = 300;

/**
 * Spreads the logins evenly over `seconds`, or takes as long as the server needs. `isOver` says whether to give up, `lateMs`
 * after that time has passed. Resolves when all users are online or were refused for good, or when `isOver` returns true.
 */
export async function rampUp(
  users: readonly User[],
  seconds: number,
  isOver: (lateMs: number) => boolean,
): Promise<void> {
  const began = performance.now();
  const mustGiveUp = (): boolean => isOver(performance.now() - began - seconds * 1_000);
  const queue = users.entries();
  const connectNext = async (): Promise<void> => {
    for (const [position, user] of queue) {
      const due = began + (seconds * 1_000 * position) / users.length;
      const wait = due - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      if (mustGiveUp()) return;
      while (!(await user.connect()) && user.state === 'offline') {
        if (mustGiveUp()) return;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  };
  await Promise.all(Array.from({ length: MAX_CONCURRENT_LOGINS }, connectNext));
}
