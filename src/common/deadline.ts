/** Delays and deadlines. */

/**
 * The longest delay of a timer, about 24 days. Node turns a longer delay into 1 ms, which would make a retry a busy
 * loop.
 */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * Limits a delay to what a timer accepts. MUST be used for every delay from outside: from the peer, the command line, a
 * file. NaN becomes the longest delay.
 */
export function timerDelay(ms: number): number {
  return Number.isNaN(ms) ? LONGEST_MS : Math.min(Math.max(ms, 0), LONGEST_MS);
}

/** The result of the promise, or `late` if it has not resolved after `timeoutMs`. */
export async function within<T>(promise: Promise<T>, timeoutMs: number, late: T): Promise<T> {
  const reached = Promise.withResolvers<T>();
  const deadline = setTimeout(reached.resolve, timerDelay(timeoutMs), late);
  try {
    return await Promise.race([promise, reached.promise]);
  } finally {
    clearTimeout(deadline);
  }
}
