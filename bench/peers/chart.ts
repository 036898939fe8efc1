/**
 * Renders horizontal bars as an SVG file for a Markdown page. Each bar ends at the median; a whisker spans minimum to maximum.
 * Pages show the file as an image, so it contains its own light and dark colours and its own background.
 */

import { escapeHtml } from '../../src/common/escape-html.ts';
import type { Spread } from '../spread.ts';

export interface Bar {
  readonly name: string;
  /** The bar to compare the others with; the only coloured one. */
  readonly isReference: boolean;
  /** Undefined if there are no figures; the row stays. */
  readonly spread: Spread | undefined;
  /** True if the real value may be higher. */
  readonly isAtLeast: boolean;
}

export interface Panel {
  readonly title: string;
  /** Says which direction is better. */
  readonly note: string;
  readonly bars: readonly Bar[];
  format(value: number): string;
}

// Sizes in pixels. The width fits a text column without scaling.
const WIDTH = 680;
const MARGIN = 16;
const ROW = 26;
const BAR = 14;
const PANEL_HEAD = 34;
const PANEL_GAP = 18;
/** Half the height of a whisker's end caps. */
const CAP = 4;
const GAP = 8;
/** Upper bound of a label's average character width, in the fonts below, bold. */
const CHARACTER = 8;

/** Uses the colours of the load test report. */
const STYLE = `
.ground { fill: #fdfcfa; stroke: #e5e1d9; }
text { fill: #24221e; font: 13px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif; font-variant-numeric: tabular-nums; }
.title { font-weight: 600; }
.note { fill: #6a665f; }
.reference { font-weight: 600; }
.axis { stroke: #b9b3a7; }
.bar { fill: #b9b3a7; }
.bar.reference { fill: #c99a1e; }
.whisker { fill: none; stroke: #24221e; stroke-width: 1.25; }
@media (prefers-color-scheme: dark) {
.ground { fill: #17181b; stroke: #2d3035; }
text { fill: #e4e2dd; }
.note { fill: #9d9a93; }
.axis { stroke: #62666e; }
.bar { fill: #62666e; }
.bar.reference { fill: #b48a1c; }
.whisker { stroke: #e4e2dd; }
}`;

export function renderChart(title: string, panels: readonly Panel[]): string {
  const parts: string[] = [];
  let top = MARGIN;
  for (const panel of panels) {
    parts.push(...renderPanel(panel, top));
    top += PANEL_HEAD + panel.bars.length * ROW + PANEL_GAP;
  }
  const height = top - PANEL_GAP + MARGIN - (ROW - BAR) / 2;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img">
<title>${escapeHtml(title)}</title>
<desc>${escapeHtml(describePanels(panels))}</desc>
<style>${STYLE}
</style>
<rect class="ground" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="6"/>
${parts.join('\n')}
</svg>
`;
}

/** The chart in words, for readers who cannot see it. */
export function describePanels(panels: readonly Panel[]): string {
  return panels
    .map(({ title, note, bars, format }) => {
      const values = bars.map(
        ({ name, spread, isAtLeast }) => `${name} ${labelOf(spread, isAtLeast, format)}`,
      );
      return `${title} (${note}): ${values.join(', ')}.`;
    })
    .join(' ');
}

function renderPanel({ title, note, bars, format }: Panel, top: number): string[] {
  const left = MARGIN + Math.max(...bars.map(({ name }) => name.length)) * CHARACTER + GAP;
  const labels = bars.map(({ spread, isAtLeast }) => labelOf(spread, isAtLeast, format));
  // The longest label may belong to the longest bar, so leave room for both.
  const width = WIDTH - MARGIN - left - GAP - Math.max(...labels.map(({ length }) => length)) * CHARACTER;
  const most = Math.max(...bars.map(({ spread }) => spread?.most ?? 0));
  const x = (value: number): number => left + (most > 0 ? (value / most) * width : 0);
  const first = top + PANEL_HEAD;
  return [
    `<text x="${MARGIN}" y="${top + 14}"><tspan class="title">${escapeHtml(title)}</tspan><tspan class="note" dx="${GAP}">${escapeHtml(note)}</tspan></text>`,
    ...bars.map((bar, index) => renderBar(bar, labels[index] ?? '', first + index * ROW, left, x)),
    `<path class="axis" d="M${round(left)} ${first - 4}v${bars.length * ROW - (ROW - BAR) + 8}"/>`,
  ];
}

function renderBar(
  { name, isReference, spread }: Bar,
  label: string,
  top: number,
  left: number,
  x: (value: number) => number,
): string {
  const style = isReference ? ' class="reference"' : '';
  const middle = top + BAR / 2;
  const text = `<text${style} x="${round(left - GAP)}" y="${middle + 4.5}" text-anchor="end">${escapeHtml(name)}</text>`;
  const end = spread === undefined ? left : x(spread.most);
  const value = `<text${style} x="${round(end + GAP)}" y="${middle + 4.5}">${escapeHtml(label)}</text>`;
  if (spread === undefined) return text + value;
  const [least, most] = [round(x(spread.least)), round(end)];
  const bar = `<rect class="bar${isReference ? ' reference' : ''}" x="${round(left)}" y="${top}" width="${round(x(spread.median) - left)}" height="${BAR}"/>`;
  const whisker = `<path class="whisker" d="M${least} ${middle - CAP}v${2 * CAP}M${least} ${middle}H${most}M${most} ${middle - CAP}v${2 * CAP}"/>`;
  return text + bar + whisker + value;
}

function labelOf(spread: Spread | undefined, isAtLeast: boolean, format: (value: number) => string): string {
  if (spread === undefined) return 'no complete run';
  return `${isAtLeast ? '≥ ' : ''}${format(spread.median)}`;
}

function round(value: number): string {
  return String(Number(value.toFixed(1)));
}
