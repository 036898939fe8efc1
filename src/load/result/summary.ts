/** Renders a result as text for a terminal. */

import { styleText } from 'node:util';
import { printable } from '../../common/printable.ts';
import { describeStanding, type Judgement } from './expect.ts';
import { factsOf, LATENCY_COLUMNS, latencyRows, originOf, outcomeText, type ResultFact } from './facts.ts';
import type { Result } from './result.ts';
import { type Alignment, alignColumns, labelled, wrapText } from './text-columns.ts';
import { type Standing, verdictOf } from './verdict.ts';

const WIDTH = 80;
const LABEL_WIDTH = 13;

const COLORS = { good: 'green', bad: 'red', invalid: 'yellow' } as const satisfies Record<Standing, string>;

type Style = Parameters<typeof styleText>[0];

const THRESHOLDS: Readonly<Record<Judgement, { readonly label: string; readonly style: Style }>> = {
  met: { label: 'met', style: 'green' },
  missed: { label: 'MISSED', style: ['red', 'bold'] },
  'not judged': { label: 'NOT JUDGED', style: ['yellow', 'bold'] },
};

export interface SummaryOptions {
  readonly color: boolean;
}

/** Lines of at most 80 columns, each terminated by a newline. Text from elsewhere is made safe for a terminal. */
export function renderSummary(result: Result, { color }: SummaryOptions): string {
  const paint = (style: Style, lines: readonly string[]): string[] =>
    color
      ? lines.map((line) => (line === '' ? line : styleText(style, line, { validateStream: false })))
      : [...lines];
  const { standing, text } = verdictOf(result);
  const [head = '', ...rows] = latencies(result);
  const blocks = [
    paint([COLORS[standing], 'bold'], wrapText(printable(text), WIDTH)),
    paint(
      ['yellow', 'bold'],
      result.invalid.flatMap((reason) => wrapText(`INVALID: ${printable(reason)}`, WIDTH)),
    ),
    rows.length === 0 ? [] : [...paint('dim', [head]), ...rows],
    factsOf(result).flatMap((fact) => (fact.isBad ? paint('red', lines(fact)) : lines(fact))),
    result.expectations.flatMap((outcome) => {
      const { label, style } = THRESHOLDS[describeStanding(outcome)];
      return paint(style, withLabel(label, [outcomeText(outcome)]));
    }),
    originOf(result).flatMap(lines),
  ];
  return blocks
    .filter((block) => block.length > 0)
    .map((block) => `${block.join('\n')}\n`)
    .join('\n');
}

function latencies(result: Result): string[] {
  const rows = latencyRows(result).map(({ name, cells }) => [name.padEnd(LABEL_WIDTH - 2), ...cells]);
  const alignments = ['left', ...LATENCY_COLUMNS.map((): Alignment => 'right')] satisfies Alignment[];
  return rows.length === 0 ? [] : alignColumns([['', ...LATENCY_COLUMNS], ...rows], alignments);
}

function lines({ label, texts }: ResultFact): string[] {
  return withLabel(label, texts);
}

function withLabel(label: string, texts: readonly string[]): string[] {
  return labelled(label, texts.map(printable), LABEL_WIDTH, WIDTH);
}
