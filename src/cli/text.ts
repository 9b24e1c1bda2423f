/** What commands print for people. */

/** Columns as wide as their widest cell; all but the first to the right, where numbers belong. Ends with a line break. */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  align: 'left' | 'right' = 'right',
): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    `${cells
      .map((cell, column) =>
        column === 0 || align === 'left' ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('   ')
      .trimEnd()}\n`;
  return `${line(head)}${rows.map(line).join('')}`;
}

export function formatSize(bytes: number): string {
  if (bytes < 10_240) return `${bytes} B`;
  return bytes < 10_485_760 ? `${Math.round(bytes / 1024)} KiB` : `${Math.round(bytes / 1_048_576)} MiB`;
}

/** `1 view`, `2 views`. */
export function formatCount(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
