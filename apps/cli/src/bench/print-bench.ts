import { renderTable } from '../support/table.js';
import { printJson, printLine, type Terminal } from '../support/terminal.js';
import { type BenchRow, type Floor, verdictOf } from './bench-row.js';
import { formatBytes } from '../support/numbers.js';

/** Prints the bench as JSON: plain numbers in the unit of each line. */
export function printBenchJson(terminal: Terminal, rows: readonly BenchRow[], scale: number): void {
  printJson(terminal, {
    scale,
    rows: rows.map((row) => ({
      ...{ bench: row.bench, name: row.name.trim(), unit: row.unit },
      ...{ ours: row.oursValue, reference: row.referenceValue, ratio: row.ratio },
      ...{ floor: row.floor, reached: verdictOf(row) },
    })),
    ok: rows.every((row) => verdictOf(row) !== false),
  });
}

/** Prints the bench as one table. */
export function printBench(terminal: Terminal, rows: readonly BenchRow[], scale: number): void {
  const { dim, green, red } = terminal.colours;
  const verdict = (row: BenchRow): string => {
    const reached = verdictOf(row);
    if (reached === null) return '';
    return reached ? green('reached') : red('missed');
  };
  const columns = [
    { title: 'measured' },
    { title: 'ours', align: 'right' as const },
    { title: 'reference', align: 'right' as const },
    { title: 'ratio', align: 'right' as const },
    { title: 'floor' },
    { title: '' },
  ];
  const cells = rows.map((row) => [
    row.name,
    row.ours,
    row.reference,
    row.ratio === null ? '' : row.ratio.toFixed(row.ratio < 10 ? 2 : 0),
    row.floor === null ? '' : floorText(row, row.floor),
    verdict(row),
  ]);
  printLine(terminal, renderTable(terminal, columns, cells, { indent: 2 }));
  if (scale !== 1) printLine(terminal, dim(`\n  At scale ${scale}; the floors are meant for scale 1.`));
}

function floorText(row: BenchRow, floor: Floor): string {
  const value = row.unit === 'bytes' && floor.of === 'ours' ? formatBytes(floor.value) : String(floor.value);
  const goal = floor.goal === undefined ? '' : ` (goal ${floor.goal})`;
  return `${floor.at === 'least' ? '≥' : '≤'} ${value}${goal}`;
}
