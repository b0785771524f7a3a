import { type ArchivedPart } from '@quipu/event-log';
import { formatTime } from '@quipu/platform';
import { formatBytes, formatCount } from '../support/numbers.js';
import { type Column, renderTable } from '../support/table.js';
import { printLine, type Terminal } from '../support/terminal.js';
import { type Partition } from './partitions.js';

const RIGHT = 'right' as const;
const COLUMNS: readonly Column[] = [
  { title: 'positions' },
  { title: 'recorded' },
  { title: 'events', align: RIGHT },
  { title: 'bytes', align: RIGHT },
  { title: 'where' },
];

/** Prints the parts of the log, the archived ones first. */
export function printArchives(
  terminal: Terminal,
  {
    parts,
    partitions,
  }: { readonly parts: readonly ArchivedPart[]; readonly partitions: readonly Partition[] },
): void {
  const { dim, green, yellow } = terminal.colours;
  const rows = parts.map((part) => [
    range(part),
    span(part.firstRecordedMs, part.lastRecordedMs),
    formatCount(part.events),
    formatBytes(part.bytes),
    `${green(part.file)}${part.detachedMs === null ? yellow(' (its partition is still to be dropped)') : ''}`,
  ]);
  for (const partition of partitions) {
    if (parts.some(({ first }) => first === partition.first)) continue;
    rows.push([
      range(partition),
      span(partition.firstRecordedMs, partition.lastRecordedMs),
      formatCount(partition.events),
      formatBytes(partition.bytes),
      partition.settled ? 'database' : dim('database, not complete or not folded'),
    ]);
  }
  printLine(terminal, rows.length === 0 ? 'The log is empty.' : renderTable(terminal, COLUMNS, rows));
}

/** A part as JSON has it; positions are decimal strings, times ISO 8601. */
export function partJson(part: ArchivedPart): object {
  return {
    ...{ first: String(part.first), end: String(part.end), events: part.events },
    ...{ file: part.file, bytes: part.bytes, sha256: part.sha256 },
    ...{ recordedFrom: iso(part.firstRecordedMs), recordedTo: iso(part.lastRecordedMs) },
    chain: { position: String(part.headPosition), digest: part.head },
    ...{ archived: iso(part.archivedMs), dropped: part.detachedMs !== null },
  };
}

/** A partition as JSON has it. */
export function partitionJson(partition: Partition): object {
  return {
    ...{ first: String(partition.first), end: String(partition.end), events: partition.events },
    ...{ bytes: partition.bytes, settled: partition.settled },
    ...{ recordedFrom: iso(partition.firstRecordedMs), recordedTo: iso(partition.lastRecordedMs) },
  };
}

function range({ first, end }: { first: bigint; end: bigint }): string {
  return `${formatCount(first)} to ${formatCount(end - 1n)}`;
}

function span(from: number | null, to: number | null): string {
  return from === null || to === null ? '' : `${formatTime(from)} to ${formatTime(to)}`;
}

function iso(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
