import { formatCount, formatDuration, plural } from '../support/numbers.js';
import { renderTable } from '../support/table.js';
import { printLine, type Terminal } from '../support/terminal.js';
import { formatTime } from '../support/times.js';
import { type CodeFit, type GenerationStatusRow, type ProjectionStatus } from './read-projections.js';

const CODE: Record<CodeFit, string> = { same: 'this', reseed: 'other: reseed', rebuild: 'other: rebuild' };

const COLUMNS = [
  { title: 'schema' },
  { title: 'status' },
  { title: 'position', align: 'right' },
  { title: 'behind', align: 'right' },
  { title: 'version', align: 'right' },
  { title: 'code' },
  { title: 'written by' },
] as const;

/** Prints the state of the ledger's generations as a person reads it. */
export function printProjections(terminal: Terminal, status: ProjectionStatus): void {
  const { bold, dim, red } = terminal.colours;
  const log = `log at position ${formatCount(BigInt(status.log.position))}`;
  const hash = `this code ${status.codeHash.slice(0, 12)}`;
  printLine(terminal, `${bold(status.name)}  ${log} ${dim(`(${hash})`)}`);
  const rows = status.generations.map((row) => cellsOf(terminal, row));
  printLine(terminal, renderTable(terminal, COLUMNS, rows, { indent: 2 }));
  for (const { schema, halted } of status.generations) {
    if (halted === null) continue;
    const since = halted.since === null ? '' : ` since ${formatTime(Date.parse(halted.since))}`;
    printLine(
      terminal,
      red(`  ${schema} stands still at position ${halted.position}${since}: ${halted.error}`),
    );
    printLine(
      terminal,
      `  Mend the cause and restart the projector, or: ./quipu projections skip ${halted.position} --reason "..."`,
    );
  }
  if (status.skips.length > 0) printLine(terminal, `  skipped by name:`);
  for (const { position, reason, by, at } of status.skips) {
    printLine(terminal, `    ${position} ${dim(`(${by}, ${formatTime(Date.parse(at))})`)} ${reason}`);
  }
}

function cellsOf({ colours }: Terminal, row: GenerationStatusRow): string[] {
  const { green, yellow, red, dim } = colours;
  const behind = BigInt(row.behindEvents);
  const lag = `${plural(behind, 'event')}, ${formatDuration(row.behindSeconds * 1000)}`;
  const code = `${CODE[row.code]} ${dim(row.codeHash.slice(0, 12))}`;
  const live = row.halted === null ? green(row.status) : red('halted');
  return [
    row.schema,
    row.status === 'live' ? live : row.status,
    formatCount(BigInt(row.position)),
    row.status === 'retired' ? '' : behind === 0n ? 'up to date' : yellow(lag),
    String(row.version),
    row.codeHash === '' ? 'none yet' : row.code === 'same' ? code : yellow(code),
    row.leader === null
      ? dim('nobody')
      : `session ${row.leader.pid}${row.leader.address === null ? '' : ` of ${row.leader.address}`}`,
  ];
}
