/**
 * Whether the client is there, judged by its pulse: a time that it writes into the live file every 3 seconds. Pure: the
 * page's clocks are passed in.
 *
 * What counts is whether the pulse changes while the page looks, because no step of a clock can change that. Looks that
 * did not take place, while the computer slept or the tab was throttled, say nothing about the client.
 */

/** @typedef {'alive' | 'unsure' | 'silent'} Liveness */

/** How long the page looks at one and the same pulse before it gives the client up. In ms. */
const PATIENCE = 8000;

/** As much as one look can add to that. In ms. */
const LONGEST_GAP = 2000;

export function createLiveness() {
  let pulse = 0;
  let watched = 0;
  let isConfirmed = false;
  /** @type {number | null} */
  let last = null;

  return {
    /** When the client was last alive, in ms since 1970; 0 if it is not known. */
    since: () => pulse,

    /**
     * @param {number | null} seen the pulse in the live file; null where there is none
     * @param {number} now in ms, of a clock that nobody sets
     * @param {number} wall in ms since 1970
     * @returns {Liveness}
     */
    look(seen, now, wall) {
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
