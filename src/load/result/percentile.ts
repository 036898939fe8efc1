/** Percentiles: which of them a number of values can tell, and where they stand on an axis. */

/** The share of values above it is at least one value; of fewer it would only be the greatest once more. */
export function isTold(percentile: number, count: number): boolean {
  // A little less than 100: 100 - 99.9 is not exactly a tenth.
  return count * (100 - percentile) >= 99.999;
}

/** Each nine is one step further: 0 at 0, 1 at 90, 2 at 99, 3 at 99.9. `percentile` is below 100. */
export function ninesOf(percentile: number): number {
  return -Math.log10(1 - percentile / 100);
}
