/** Renders a chart as inline SVG: lines or bars on two axes, over shaded periods. */

import { cleanLine, escapeHtml } from '../../common/escape-html.ts';
import type { Scale } from './scale.ts';

export interface Line {
  readonly name: string;
  /** Selects colour and dashes: `line-0` and so on in the style sheet. */
  readonly style: number;
  /** `null` breaks the line. */
  readonly points: readonly (readonly [number, number | null])[];
}

/** A part of the horizontal axis. */
export interface Band {
  readonly from: number;
  readonly to: number;
  readonly label: string;
  readonly isUnmeasured: boolean;
}

export interface Chart {
  readonly title: string;
  /** Explains the axes. */
  readonly note: string;
  readonly horizontal: (labels: number) => Scale;
  readonly vertical: (labels: number) => Scale;
  readonly lines: readonly Line[];
  readonly drawnAs: 'lines' | 'bars';
  readonly bands: readonly Band[];
  /** Tooltips. */
  readonly hints: readonly { readonly from: number; readonly to: number; readonly text: string }[];
}

interface Size {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** Whether there may be a pointer; tooltips are useless without one. */
  readonly hasTooltips: boolean;
}

/** The style sheet shows the one that fits, so that text keeps its size. */
const SIZES: readonly Size[] = [
  { name: 'wide', width: 620, height: 300, hasTooltips: true },
  { name: 'middle', width: 480, height: 280, hasTooltips: true },
  { name: 'narrow', width: 360, height: 250, hasTooltips: false },
];

/** Upper bound of the average character width of labels, in all fonts of the style sheet. */
const CHARACTER = 7.1;
const LINE_HEIGHT = 16;
const GAP = 8;
/** Space for half of the last label. */
const RIGHT = 26;

/** A `<figure>` with its legend. */
export function renderChart(chart: Chart): string {
  const legend =
    chart.lines.length < 2
      ? ''
      : `<ul class="legend">${chart.lines.map((line) => `<li><svg class="key" viewBox="0 0 22 8" aria-hidden="true"><path class="line line-${line.style}" d="M1 4H21"/></svg>${html(line.name)}</li>`).join('')}</ul>`;
  return `<figure class="chart">
<figcaption><h3>${html(chart.title)}</h3><p class="note">${html(chart.note)}</p>${legend}</figcaption>
${SIZES.map((size) => renderSized(chart, size)).join('\n')}
</figure>
`;
}

interface Plot {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  x(value: number): number;
  y(value: number): number;
}

function renderSized(chart: Chart, { name, width, height, hasTooltips }: Size): string {
  const vertical = chart.vertical(height < 280 ? 4 : 5);
  const horizontal = chart.horizontal(Math.floor(width / 75));
  const left = Math.max(...vertical.ticks.map(({ label }) => label.length)) * CHARACTER + GAP;
  const [right, bottom] = [width - RIGHT, height - LINE_HEIGHT - GAP];
  const named = placeLabels(
    chart.bands,
    left,
    right,
    (value) => left + horizontal.position(value) * (right - left),
  );
  const rows = named.reduce((most, { row }) => Math.max(most, row + 1), 0);
  const top = GAP + rows * LINE_HEIGHT;
  const plot: Plot = {
    left,
    right,
    top,
    bottom,
    x: (value) => left + horizontal.position(value) * (right - left),
    y: (value) => bottom - Math.min(1, Math.max(0, vertical.position(value))) * (bottom - top),
  };
  const parts = [
    ...chart.bands.map((band, index) => renderBand(band, index, plot)),
    ...vertical.ticks.map(({ value, label }) => renderRow(label, plot.y(value), plot)),
    `<path class="axis" d="M${round(left)} ${bottom}H${right}"/>`,
    ...renderColumns(horizontal, plot),
    ...named.map(({ text, at, row }) => renderText(text, at, GAP + row * LINE_HEIGHT + 4, 'middle', 'phase')),
    ...chart.lines.map((line) =>
      chart.drawnAs === 'bars' ? renderBars(line, plot) : renderLine(line, plot),
    ),
    ...(hasTooltips ? chart.hints : []).map(({ from, to, text }) =>
      renderHint(text, plot.x(from), plot.x(to), plot),
    ),
  ];
  return `<svg class="${name}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${html(`${chart.title}. ${chart.note}`)}">
${parts.join('\n')}
</svg>`;
}

function renderBand({ from, to, label, isUnmeasured }: Band, index: number, plot: Plot): string {
  const [start, end] = [plot.x(from), plot.x(to)];
  const tone = isUnmeasured ? 'unmeasured' : index % 2 === 0 ? 'even' : 'odd';
  return `<rect class="band ${tone}" x="${round(start)}" y="${plot.top}" width="${round(end - start)}" height="${round(plot.bottom - plot.top)}"><title>${html(label)}</title></rect>${index === 0 ? '' : `<path class="edge" d="M${round(start)} ${plot.top}V${plot.bottom}"/>`}`;
}

function renderRow(label: string, y: number, { left, right }: Plot): string {
  return `<path class="grid" d="M${round(left)} ${round(y)}H${right}"/>${renderText(label, left - GAP + 2, y + 4, 'end', 'tick')}`;
}

/** Omits labels that would overlap the previous one, but keeps their ticks. */
function renderColumns(scale: Scale, { x, bottom, right }: Plot): string[] {
  let taken = Number.NEGATIVE_INFINITY;
  return scale.ticks.map(({ value, label }) => {
    const half = (label.length * CHARACTER) / 2;
    const at = x(value);
    const tick = `<path class="axis" d="M${round(at)} ${bottom}v4"/>`;
    if (at - half < taken + 4 || at + half > right + RIGHT) return tick;
    taken = at + half;
    return tick + renderText(label, at, bottom + LINE_HEIGHT + 2, 'middle', 'tick');
  });
}

function renderText(text: string, x: number, y: number, anchor: string, style: string): string {
  return `<text class="${style}" x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${html(text)}</text>`;
}

function renderLine({ style, points }: Line, { x, y }: Plot): string {
  let path = '';
  let isOpen = false;
  for (const [at, value] of points) {
    // A point without neighbours becomes a line of zero length, which round line caps turn into a dot.
    if (value !== null)
      path += `${isOpen ? 'L' : 'M'}${round(x(at))} ${round(y(value))}${isOpen ? '' : 'h0'}`;
    isOpen = value !== null;
  }
  return `<path class="line line-${style}" d="${path}"/>`;
}

function renderBars({ style, points }: Line, { x, y, bottom }: Plot): string {
  let path = '';
  for (const [at, value] of points) {
    if (value !== null && value > 0)
      path += `M${round(x(at))} ${bottom}V${round(Math.min(y(value), bottom - 1))}`;
  }
  return `<path class="bar line-${style}" d="${path}"/>`;
}

function renderHint(text: string, from: number, to: number, { top, bottom }: Plot): string {
  return `<rect class="hint" x="${round(from)}" y="${top}" width="${round(to - from)}" height="${round(bottom - top)}"><title>${html(text)}</title></rect>`;
}

interface PlacedLabel {
  readonly text: string;
  readonly at: number;
  readonly row: number;
}

/** Places labels above the bands in up to two rows, and omits those that would overlap. */
function placeLabels(
  bands: readonly Band[],
  left: number,
  right: number,
  x: (value: number) => number,
): PlacedLabel[] {
  const taken = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  return bands.flatMap(({ from, to, label }) => {
    const half = (label.length * CHARACTER) / 2;
    const at = Math.min(right - half, Math.max(left + half, (x(from) + x(to)) / 2));
    const row = taken.findIndex((end) => at - half >= end);
    if (row === -1) return [];
    taken[row] = at + half + GAP;
    return [{ text: label, at, row }];
  });
}

function round(value: number): string {
  return String(Number(value.toFixed(1)));
}

function html(text: string): string {
  return escapeHtml(cleanLine(text));
}
