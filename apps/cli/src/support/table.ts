import Table from 'cli-table3';
import type { Terminal } from './terminal.js';

/** One column of a table: its heading and which side its cells lean to (numbers to the right). */
export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

/** Options of {@link renderTable}. */
export interface TableOptions {
  /** A last row under a rule, for sums. */
  readonly totals?: readonly string[];
  /** Spaces before each line. */
  readonly indent?: number;
}

const NO_BORDERS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
} as const;

/**
 * A table without borders: dim headings, two spaces between columns, numbers to the right, and a thin rule
 * above the totals. Cells may hold colours; their width is counted without them.
 */
export function renderTable(
  terminal: Pick<Terminal, 'colours'>,
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  options: TableOptions = {},
): string {
  const { dim, bold } = terminal.colours;
  const table = new Table({
    chars: NO_BORDERS,
    colAligns: columns.map((column) => column.align ?? 'left'),
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
  });
  table.push(columns.map((column) => dim(column.title)));
  for (const row of rows) table.push([...row]);
  if (options.totals) table.push(options.totals.map((cell) => (cell === '' ? '' : bold(cell))));
  const lines = table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
  if (options.totals) {
    const width = Math.max(...lines.map((line) => visibleWidth(line)));
    lines.splice(lines.length - 1, 0, dim('─'.repeat(width)));
  }
  return lines.map((line) => ' '.repeat(options.indent ?? 0) + line).join('\n');
}

/** Characters a line takes on screen: colour codes take none. */
export function visibleWidth(line: string): number {
  return [...line.replace(/\u001b\[[0-9;]*m/g, '')].length;
}
