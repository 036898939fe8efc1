/** What several rounds say together. */

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export function spreadOf<T>(rounds: readonly T[], of: (round: T) => number): Spread {
  const values = rounds.map(of);
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) };
}

export function median(of: readonly number[]): number {
  const sorted = of.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
