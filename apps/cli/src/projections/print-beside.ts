import { formatCount, formatDuration, formatRate, plural } from '../support/numbers.js';
import { note, printLine, type Terminal } from '../support/terminal.js';
import { type BesideReport } from './rebuild-beside.js';

/** Tells what a rebuild beside the live ledger came to. */
export function printBeside(terminal: Terminal, report: BesideReport): void {
  const { schema, retired } = report;
  const pace = `${formatDuration(report.seconds * 1000)}, ${formatRate(report.eventsPerSecond)}`;
  const events = plural(BigInt(report.events), 'event');
  const position = formatCount(BigInt(report.position));
  if (retired === null) {
    printLine(terminal, `${schema} stands at position ${position}: ${events} in ${pace}.`);
    note(terminal, 'Make it the live one: ./quipu projections promote');
    return;
  }
  printLine(terminal, `${schema} is live since position ${position}: ${events} in ${pace}.`);
  if (!retired.dropped) note(terminal, `The old tables are kept: ./quipu projections drop ${retired.schema}`);
}
