/** Waits that end. */

/** The longest delay of a timer, about 24 days. Node turns a longer one into 1 ms, and a retry into a busy loop. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * A delay that a timer can take. MUST be used for every delay that comes from outside: from the other side, the command
 * line, a file. What is no number becomes the longest delay.
 */
export function timerDelay(ms: number): number {
  return Number.isNaN(ms) ? LONGEST_MS : Math.min(Math.max(ms, 0), LONGEST_MS);
}

/** What the promise resolves with, or `late` when it has not after `timeoutMs`. */
export async function within<T>(promise: Promise<T>, timeoutMs: number, late: T): Promise<T> {
  const reached = Promise.withResolvers<T>();
  const deadline = setTimeout(reached.resolve, timerDelay(timeoutMs), late);
  try {
    return await Promise.race([promise, reached.promise]);
  } finally {
    clearTimeout(deadline);
  }
}
