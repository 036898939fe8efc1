/** Summarizes the figures of several rounds by their median, minimum and maximum. */

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) };
}

/** For an even number of values, the upper of the two middle ones. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** `1.2 ms (1.1 ms – 1.9 ms)`. */
export function formatSpread({ median, least, most }: Spread, format: (value: number) => string): string {
  return `${format(median)} (${format(least)} – ${format(most)})`;
}
