/** Compares a figure with its goal. */

export interface Goal {
  /** The highest acceptable median, in the unit of the figure. */
  readonly most: number;
  /** The limit in words. */
  readonly text: string;
}

/** Such as `≤ 5 ms, met` or `≤ 5 ms, missed by 12 %`. */
export function judge(value: number, { most, text }: Goal): string {
  if (value <= most) return `≤ ${text}, met`;
  const percent = (value / most - 1) * 100;
  return `≤ ${text}, missed by ${percent.toFixed(percent < 10 ? 1 : 0)} %`;
}
