/** Renders a Markdown table whose first column is text and whose other columns are figures. */

export function renderTable(head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const lines = [head, head.map((_, column) => (column === 0 ? '---' : '--:')), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
