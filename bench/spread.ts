/** The figures of several rounds together: the one in the middle, and how far the others are from it. */

import { median } from './chatter.ts';

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) };
}

/** `1.2 ms (1.1 ms – 1.9 ms)`, each as `write` has it. */
export function formatSpread({ median, least, most }: Spread, write: (value: number) => string): string {
  return `${write(median)} (${write(least)} – ${write(most)})`;
}
