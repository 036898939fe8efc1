/**
 * How long to wait before the next try: "full jitter", a random part of a bound that doubles with every try, so
 * that clients that lost one server at one moment do not come back at one moment.
 */

const FIRST_BOUND_MS = 500;
const LARGEST_BOUND_MS = 30_000;
/** A server that asks for more is not believed: it is tried every hour. */
const LARGEST_RETRY_AFTER_MS = 60 * 60_000;

/** A connection that lasted this long was a good one: after it, delays start small again. In ms. */
export const GOOD_CONNECTION_MS = 10_000;

/**
 * The delay before a try, in ms.
 * @param failures tries that failed since the last good connection, from 0
 * @param random from 0 to below 1
 * @param retryAfterMs what the server asked for, up to an hour: the delay is never less, and still spread
 */
export function retryDelay(failures: number, random: number, retryAfterMs = 0): number {
  const bound = Math.min(LARGEST_BOUND_MS, FIRST_BOUND_MS * 2 ** Math.min(failures, 16));
  return Math.round(Math.min(retryAfterMs, LARGEST_RETRY_AFTER_MS) + random * bound);
}
