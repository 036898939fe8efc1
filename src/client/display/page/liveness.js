/**
 * Decides whether the client is alive from its pulse: a time that it writes to the live file every 3 seconds. Pure: the
 * page's clocks are passed in.
 *
 * What counts is whether the pulse changes while the page checks it, because setting a clock cannot affect that. Checks
 * that did not happen, because the computer slept or the tab was throttled, say nothing about the client.
 */

/** @typedef {'alive' | 'unsure' | 'silent'} Liveness */

/** How long the page sees the same pulse before it considers the client gone, in ms. */
const PATIENCE = 8000;

/** The most that one check can add to that time, in ms. */
const LONGEST_GAP = 2000;

export function createLiveness() {
  let pulse = 0;
  let watched = 0;
  let isConfirmed = false;
  /** @type {number | null} */
  let last = null;

  return {
    /** When the client was last alive, in ms since 1970; 0 if unknown. */
    since: () => pulse,

    /**
     * @param {number | null} seen the pulse in the live file; null if there is none
     * @param {number} now in ms, from a clock that cannot be set
     * @param {number} wall in ms since 1970
     * @returns {Liveness}
     */
    check(seen, now, wall) {
      const gap = last === null ? 0 : now - last;
      last = now;
      if (gap > PATIENCE) isConfirmed = false;
      if (seen !== null && seen !== pulse) {
        isConfirmed = pulse !== 0 && gap <= PATIENCE;
        pulse = seen;
        watched = 0;
      } else {
        watched += Math.min(gap, LONGEST_GAP);
      }
      if (watched >= PATIENCE) return 'silent';
      return isConfirmed || Math.abs(wall - pulse) < PATIENCE ? 'alive' : 'unsure';
    },
  };
}
