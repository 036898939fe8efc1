/** Text layout for a terminal: aligned columns and wrapped lines. */

export type Alignment = 'left' | 'right';

const BEFORE_UNIT = /(?<=\d) (?=(?:µs|ms|s|min|h|d|bytes|[KMGT]iB|%)(?![\w%]))/g;

/** Aligns columns to their widest cell, two spaces apart, without trailing spaces. */
export function alignColumns(
  rows: readonly (readonly string[])[],
  alignments: readonly Alignment[],
): string[] {
  const widths = alignments.map((_, column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return alignments[column] === 'right' ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
}

/** Replaces the space between a number and its unit by a non-breaking space. */
export function glueUnits(text: string): string {
  return text.replace(BEFORE_UNIT, '\u00a0');
}

/** Wraps text at spaces into lines of at most `width` characters; longer words are split. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of glueUnits(text).split(/ +/)) {
    let rest = word;
    if (line !== '' && line.length + 1 + rest.length > width) {
      lines.push(line);
      line = '';
    }
    while (rest.length > width) {
      lines.push(rest.slice(0, width));
      rest = rest.slice(width);
    }
    line = line === '' ? rest : `${line} ${rest}`;
  }
  return [...lines, line].map((whole) => whole.replaceAll('\u00a0', ' '));
}

/** Puts a label in a column of its own, with the wrapped texts beside it. */
export function labelled(
  label: string,
  texts: readonly string[],
  labelWidth: number,
  width: number,
): string[] {
  const lines = texts.flatMap((text) => wrapText(text, width - labelWidth));
  return lines.map((line, index) => `${(index === 0 ? label : '').padEnd(labelWidth)}${line}`.trimEnd());
}
