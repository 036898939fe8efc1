/**
 * The delay before each reconnection attempt, with "full jitter": a random part of a bound that doubles with every
 * attempt, so that clients that lost a server at the same moment do not all return at the same moment.
 */

const FIRST_BOUND_MS = 500;
const LARGEST_BOUND_MS = 30_000;
/**
 * Upper limit for the delay a server can ask for, so that a wrong value cannot keep the client away for more than an
 * hour.
 */
const LARGEST_RETRY_AFTER_MS = 60 * 60_000;

/** A connection that lasted this long, in ms, counts as good: the next loss starts again with short delays. */
export const GOOD_CONNECTION_MS = 10_000;

/**
 * The delay before an attempt, in ms.
 * @param failures failed attempts since the last good connection, from 0
 * @param random from 0 to below 1
 * @param retryAfterMs the delay the server asked for; the result is never shorter (up to the hour), and still spread
 */
export function retryDelay(failures: number, random: number, retryAfterMs = 0): number {
  const bound = Math.min(LARGEST_BOUND_MS, FIRST_BOUND_MS * 2 ** Math.min(failures, 16));
  return Math.round(Math.min(retryAfterMs, LARGEST_RETRY_AFTER_MS) + random * bound);
}
