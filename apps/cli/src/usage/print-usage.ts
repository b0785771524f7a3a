import { type EstimatedGroup, type EstimatedUsage } from '@quipu/read-models';
import { nameText } from '../fleet/fleet-texts.js';
import { formatSeconds, secondsText } from '../support/numbers.js';
import { type Column, renderTable } from '../support/table.js';
import { printJson, printLine, type Terminal } from '../support/terminal.js';
import { formatTime } from '../support/times.js';
import { type CheckedUsageQuery } from './usage-options.js';

const UNITS = {
  nodes: 'node-seconds',
  waiting: 'job-seconds waiting',
  running: 'job-seconds running',
} as const;

/** Prints usage as JSON: times as ISO 8601, amounts as exact decimal strings in seconds. */
export function printUsageJson(terminal: Terminal, query: CheckedUsageQuery, answer: EstimatedUsage): void {
  const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
  const bucketed = query.bucket !== undefined;
  printJson(terminal, {
    level: query.level,
    unit: UNITS[query.level].split(' ')[0],
    start: iso(answer.start),
    end: iso(answer.end),
    asOf: iso(answer.asOf),
    position: String(answer.position),
    groupBy: query.groupBy,
    ...(bucketed
      ? {
          bucket: query.bucket,
          buckets: answer.buckets.map((b) => ({ start: iso(b.start), end: iso(b.end) })),
        }
      : {}),
    rows: answer.rows.map((row) => ({
      ...row.group,
      total: secondsText(row.total),
      ...{ estimated: row.estimatedTotal !== 0n, estimatedTotal: secondsText(row.estimatedTotal) },
      ...(bucketed
        ? { values: row.values.map(secondsText), estimatedValues: row.estimated.map(secondsText) }
        : {}),
    })),
    total: secondsText(sumOf(answer.rows)),
    ...{ estimated: estimatedOf(answer.rows) !== 0n },
    estimatedTotal: secondsText(estimatedOf(answer.rows)),
  });
}

/** Prints usage as a table with its window above, a totals row, and a note if numbers are still to come. */
export function printUsage(
  terminal: Terminal,
  query: CheckedUsageQuery,
  answer: EstimatedUsage,
  behind?: string,
): void {
  const { bold, dim, yellow } = terminal.colours;
  const from = answer.start === null ? 'the beginning' : formatTime(answer.start);
  const to =
    answer.end === answer.asOf
      ? `now (${formatTime(Math.floor(answer.end / 1000) * 1000)})`
      : formatTime(answer.end);
  printLine(terminal, dim(`${UNITS[query.level]} from ${from} to ${to}${filterText(query)}`));
  printLine(terminal);
  const plain = query.groupBy.length === 0 && query.bucket === undefined;
  if (plain) printLine(terminal, `  ${bold(formatSeconds(sumOf(answer.rows)))} ${UNITS[query.level]}`);
  else if (answer.rows.length === 0) printLine(terminal, '  nothing');
  else printLine(terminal, usageTable(terminal, query, answer));
  const estimated = estimatedOf(answer.rows);
  if (estimated !== 0n) {
    const what = `of these ${formatSeconds(estimated)} are estimated: nobody told when they ended`;
    printLine(terminal, `\n  ${dim(what)}`);
  }
  if (behind !== undefined) printLine(terminal, `\n${yellow(behind)}`);
}

function usageTable(terminal: Terminal, query: CheckedUsageQuery, answer: EstimatedUsage): string {
  const bucketed = query.bucket !== undefined;
  // A column of its own only where there is something in it.
  const estimates = estimatedOf(answer.rows) !== 0n;
  const columns: Column[] = [
    ...(bucketed ? [{ title: query.bucket ?? '' }] : []),
    ...query.groupBy.map((title) => ({ title })),
    { title: UNITS[query.level], align: 'right' },
    ...(estimates ? [{ title: 'estimated', align: 'right' as const }] : []),
  ];
  const cells = (value: bigint, estimated: bigint): string[] =>
    estimates ? [formatSeconds(value), formatSeconds(estimated)] : [formatSeconds(value)];
  const groupCells = (row: EstimatedGroup): string[] =>
    query.groupBy.map((dimension) => nameText(row.group[dimension] ?? ''));
  const lines = bucketed
    ? answer.buckets.flatMap((bucket, index) =>
        answer.rows
          .filter((row) => query.groupBy.length === 0 || row.values[index] !== 0n)
          .map((row) => [
            formatTime(bucket.start),
            ...groupCells(row),
            ...cells(row.values[index] ?? 0n, row.estimated[index] ?? 0n),
          ]),
      )
    : answer.rows.map((row) => [...groupCells(row), ...cells(row.total, row.estimatedTotal)]);
  const sums = cells(sumOf(answer.rows), estimatedOf(answer.rows));
  const left = columns.length - sums.length;
  const blanks = Array.from({ length: left }, (_, index) => (index === 0 ? 'total' : ''));
  const totals = left > 0 ? { totals: [...blanks, ...sums] } : {};
  return renderTable(terminal, columns, lines, { indent: 2, ...totals });
}

function filterText(query: CheckedUsageQuery): string {
  const filters = Object.entries(query.filters).map(([name, value]) => `${name} ${nameText(value)}`);
  return filters.length === 0 ? '' : `, ${filters.join(', ')}`;
}

function sumOf(rows: readonly EstimatedGroup[]): bigint {
  return rows.reduce((sum, row) => sum + row.total, 0n);
}

function estimatedOf(rows: readonly EstimatedGroup[]): bigint {
  return rows.reduce((sum, row) => sum + row.estimatedTotal, 0n);
}
