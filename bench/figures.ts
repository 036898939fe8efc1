/** Formats figures as a Markdown table: the median of the rounds, the minimum and maximum, and the goal if there is one. */

import { judge } from './goal.ts';
import { spreadOf } from './spread.ts';
import { renderTable } from './table.ts';

export interface Figure<Round> {
  readonly name: string;
  of(round: Round): number;
  /** Formats a value with its unit. */
  format(value: number): string;
  /** The highest acceptable value. */
  readonly goal?: number;
}

export function formatFigures<Round>(figures: readonly Figure<Round>[], rounds: readonly Round[]): string {
  const rows = figures.map(({ name, of, format, goal }) => {
    const { median, least, most } = spreadOf(rounds.map(of));
    const judged = goal === undefined ? '' : judge(median, { most: goal, text: format(goal) });
    return [name, format(median), `${format(least)} – ${format(most)}`, judged];
  });
  return renderTable(['', 'median', 'minimum – maximum', 'goal'], rows);
}

/** `1.23 ×` */
export function formatTimes(ratio: number): string {
  return `${ratio.toFixed(2)} ×`;
}
