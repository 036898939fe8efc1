/** Percentiles: which ones a number of values supports, and their position on an axis. */

/** Whether at least one value lies above the percentile. Otherwise it would merely repeat the maximum. */
export function isReportable(percentile: number, count: number): boolean {
  // Slightly less than 100, because 100 - 99.9 is not exactly a tenth.
  return count * (100 - percentile) >= 99.999;
}

/** The number of nines: 0 for 0, 1 for 90, 2 for 99, 3 for 99.9. `percentile` is below 100. */
export function ninesOf(percentile: number): number {
  return -Math.log10(1 - percentile / 100);
}
