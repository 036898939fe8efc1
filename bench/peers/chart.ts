/**
 * Horizontal bars as an SVG file for a Markdown page, with a whisker from the least to the most behind each median. It is shown
 * through an image link, so it brings its own colours for light and dark, and its own ground to stand on.
 */

import { escapeHtml } from '../../src/common/escape-html.ts';
import type { Spread } from '../spread.ts';

export interface Bar {
  readonly name: string;
  /** The one that the others are compared with: it alone has a colour. */
  readonly isOwn: boolean;
  /** Undefined if there is none: it keeps its row. */
  readonly spread: Spread | undefined;
  /** Whether the value may be more in truth. */
  readonly isAtLeast: boolean;
}

export interface Panel {
  readonly title: string;
  /** Which way is better. */
  readonly note: string;
  readonly bars: readonly Bar[];
  write(value: number): string;
}

// All in pixels. As wide as fits a column of text without being made smaller.
const WIDTH = 680;
const MARGIN = 16;
const ROW = 26;
const BAR = 14;
const PANEL_HEAD = 34;
const PANEL_GAP = 18;
/** Half the height of the ends of a whisker. */
const CAP = 4;
const GAP = 8;
/** Of a label, at most, on average: in the fonts below, bold. */
const CHARACTER = 8;

/** The colours are those of the report of a load test. */
const STYLE = `
.ground { fill: #fdfcfa; stroke: #e5e1d9; }
text { fill: #24221e; font: 13px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif; font-variant-numeric: tabular-nums; }
.title { font-weight: 600; }
.note { fill: #6a665f; }
.own { font-weight: 600; }
.axis { stroke: #b9b3a7; }
.bar { fill: #b9b3a7; }
.bar.own { fill: #c99a1e; }
.whisker { fill: none; stroke: #24221e; stroke-width: 1.25; }
@media (prefers-color-scheme: dark) {
.ground { fill: #17181b; stroke: #2d3035; }
text { fill: #e4e2dd; }
.note { fill: #9d9a93; }
.axis { stroke: #62666e; }
.bar { fill: #62666e; }
.bar.own { fill: #b48a1c; }
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

/** The same in words, for who does not see it. */
export function describePanels(panels: readonly Panel[]): string {
  return panels
    .map(({ title, note, bars, write }) => {
      const values = bars.map(({ name, spread, isAtLeast }) => `${name} ${told(spread, isAtLeast, write)}`);
      return `${title} (${note}): ${values.join(', ')}.`;
    })
    .join(' ');
}

function renderPanel({ title, note, bars, write }: Panel, top: number): string[] {
  const left = MARGIN + Math.max(...bars.map(({ name }) => name.length)) * CHARACTER + GAP;
  const labels = bars.map(({ spread, isAtLeast }) => told(spread, isAtLeast, write));
  // The longest label may be that of the longest bar.
  const room = WIDTH - MARGIN - left - GAP - Math.max(...labels.map(({ length }) => length)) * CHARACTER;
  const most = Math.max(...bars.map(({ spread }) => spread?.most ?? 0));
  const x = (value: number): number => left + (most > 0 ? (value / most) * room : 0);
  const first = top + PANEL_HEAD;
  return [
    `<text x="${MARGIN}" y="${top + 14}"><tspan class="title">${escapeHtml(title)}</tspan><tspan class="note" dx="${GAP}">${escapeHtml(note)}</tspan></text>`,
    ...bars.map((bar, index) => renderBar(bar, labels[index] ?? '', first + index * ROW, left, x)),
    `<path class="axis" d="M${round(left)} ${first - 4}v${bars.length * ROW - (ROW - BAR) + 8}"/>`,
  ];
}

function renderBar(
  { name, isOwn, spread }: Bar,
  label: string,
  top: number,
  left: number,
  x: (value: number) => number,
): string {
  const style = isOwn ? ' class="own"' : '';
  const middle = top + BAR / 2;
  const text = `<text${style} x="${round(left - GAP)}" y="${middle + 4.5}" text-anchor="end">${escapeHtml(name)}</text>`;
  const end = spread === undefined ? left : x(spread.most);
  const value = `<text${style} x="${round(end + GAP)}" y="${middle + 4.5}">${escapeHtml(label)}</text>`;
  if (spread === undefined) return text + value;
  const [least, most] = [round(x(spread.least)), round(end)];
  const bar = `<rect class="bar${isOwn ? ' own' : ''}" x="${round(left)}" y="${top}" width="${round(x(spread.median) - left)}" height="${BAR}"/>`;
  const whisker = `<path class="whisker" d="M${least} ${middle - CAP}v${2 * CAP}M${least} ${middle}H${most}M${most} ${middle - CAP}v${2 * CAP}"/>`;
  return text + bar + whisker + value;
}

function told(spread: Spread | undefined, isAtLeast: boolean, write: (value: number) => string): string {
  if (spread === undefined) return 'no run was complete';
  return `${isAtLeast ? '≥ ' : ''}${write(spread.median)}`;
}

function round(value: number): string {
  return String(Number(value.toFixed(1)));
}
