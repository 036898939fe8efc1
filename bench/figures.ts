/** A table of figures in Markdown: the median of the rounds, the least and the most, and the goal if there is one. */

import { judge } from './goal.ts';
import { spreadOf } from './spread.ts';
import { renderTable } from './table.ts';

export interface Figure<Round> {
  readonly name: string;
  of(round: Round): number;
  /** With its unit. */
  write(value: number): string;
  /** The most that is good enough. */
  readonly goal?: number;
}

export function formatFigures<Round>(figures: readonly Figure<Round>[], rounds: readonly Round[]): string {
  const rows = figures.map(({ name, of, write, goal }) => {
    const { median, least, most } = spreadOf(rounds.map(of));
    const judged = goal === undefined ? '' : judge(median, { most: goal, text: write(goal) });
    return [name, write(median), `${write(least)} – ${write(most)}`, judged];
  });
  return renderTable(['', 'median', 'least – most', 'goal'], rows);
}

/** `1.23 ×` */
export function formatTimes(ratio: number): string {
  return `${ratio.toFixed(2)} ×`;
}
