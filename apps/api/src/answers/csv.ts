/** What a cell of a table may hold; null is an empty cell. */
export type Cell = string | number | bigint | null;

/** What a spreadsheet takes for the beginning of a formula, or skips before one. */
const FORMULA = /^[=+\-@\t\r]/;

/**
 * Writes a table as CSV (RFC 4180): a header row, lines end with CR LF. A text that a spreadsheet would run as a formula
 * gains an apostrophe in front: names come from events, and whoever sends those must not run code where they are read.
 */
export function writeCsv(columns: readonly string[], rows: Iterable<readonly Cell[]>): string {
  let csv = `${columns.map(cell).join(',')}\r\n`;
  for (const row of rows) csv += `${row.map(cell).join(',')}\r\n`;
  return csv;
}

function cell(value: Cell): string {
  if (value === null) return '';
  if (typeof value !== 'string') return String(value);
  const harmless = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
