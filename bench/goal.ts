/** Whether a figure is where it is meant to be. */

export interface Goal {
  /** Of the median; in the unit of the figure. */
  readonly most: number;
  /** As people write it. */
  readonly text: string;
}

/** Such as `≤ 5 ms, met` or `≤ 5 ms, missed by 12 %`. */
export function judge(value: number, { most, text }: Goal): string {
  if (value <= most) return `≤ ${text}, met`;
  const percent = (value / most - 1) * 100;
  return `≤ ${text}, missed by ${percent.toFixed(percent < 10 ? 1 : 0)} %`;
}
