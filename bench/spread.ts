/** The figures of several rounds together: the one in the middle, and how far the others are from it. */

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) };
}

/** Of an even number of values the upper of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** `1.2 ms (1.1 ms – 1.9 ms)`, each as `write` has it. */
export function formatSpread({ median, least, most }: Spread, write: (value: number) => string): string {
  return `${write(median)} (${write(least)} – ${write(most)})`;
}
