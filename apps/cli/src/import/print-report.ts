import { nameText } from '../fleet/fleet-texts.js';
import { plural, formatCount, formatDuration, formatRate } from '../support/numbers.js';
import { printJson, printLine, type Terminal } from '../support/terminal.js';
import { formatTime } from '../support/times.js';
import { type ImportReport } from './run-import.js';
import { settled, totalRefused } from './outcome.js';

/** Events of the file that were sent to the log, known ones included. */
function sent(report: ImportReport): number {
  return settled(report.outcome);
}

/** Prints the report of an import as JSON. */
export function printReportJson(terminal: Terminal, report: ImportReport): void {
  const { outcome, stats } = report;
  printJson(terminal, {
    file: report.file,
    format: report.format,
    via: report.via,
    source: report.source ?? null,
    ending: report.endingMs === undefined ? null : new Date(report.endingMs).toISOString(),
    jobs: stats.jobs,
    events: sent(report),
    new: outcome.added,
    duplicates: outcome.duplicates,
    conflicts: outcome.conflicts,
    refused: Object.fromEntries(outcome.refused),
    leftOut: stats.leftOut,
    skipped: stats.skipped.list(),
    resent: outcome.resent,
    onTheWay: outcome.onTheWay,
    tenants: [...outcome.tenants].sort(),
    interrupted: report.interrupted,
    projected: report.projected,
    elapsedMs: report.elapsedMs,
  });
}

/** Prints the report of an import for a person. */
export function printReport(terminal: Terminal, report: ImportReport): void {
  const { bold, dim, yellow } = terminal.colours;
  const { outcome, stats } = report;
  const line = (name: string, value: string): void =>
    printLine(terminal, `  ${dim(name.padEnd(11))}${value}`);
  printLine(terminal, `${bold(report.file)} ${dim(report.source ?? '')}`.trimEnd());
  if (report.format === 'swf') line('jobs', formatCount(stats.jobs));
  line('events', eventsText(report));
  if (outcome.conflicts > 0) {
    line(
      'conflicts',
      yellow(`${formatCount(outcome.conflicts)} known with another body, kept as dead letters`),
    );
  }
  for (const [reason, count] of outcome.refused) {
    line('refused', yellow(`${formatCount(count)} ${reason}, kept as dead letters`));
  }
  if (stats.leftOut > 0) line('left out', `${plural(stats.leftOut, 'step')} after the end of the import`);
  for (const { reason, count, firstLines } of stats.skipped.list()) {
    const where = `line${firstLines.length > 1 ? 's' : ''} ${firstLines.join(', ')}${count > firstLines.length ? ', …' : ''}`;
    line('skipped', `${formatCount(count)} × ${nameText(reason)} ${dim(`(${where})`)}`);
  }
  if (outcome.onTheWay > 0) line('on the way', `${plural(outcome.onTheWay, 'event')} in the queue`);
  if (outcome.resent > 0) line('sent again', `${plural(outcome.resent, 'event')} that had got lost`);
  if (outcome.tenants.size > 0) line('tenants', tenantsText(outcome.tenants));
  const rate = (sent(report) * 1000) / Math.max(1, report.elapsedMs);
  line(
    'time',
    `${formatDuration(report.elapsedMs)} ${dim(`${formatRate(rate)}, ${report.projected ? 'projected' : 'not yet projected'}`)}`,
  );
  if (report.endingMs !== undefined)
    line('shifted', `so that the latest submit falls on ${formatTime(report.endingMs)}`);
  if (report.interrupted) {
    printLine(terminal, yellow('Interrupted. The same command again goes on; nothing is counted twice.'));
  }
}

/** Whether everything in the file that is an event is in the log now. */
export function isClean(report: ImportReport): boolean {
  return totalRefused(report.outcome) === 0 && report.outcome.conflicts === 0;
}

function eventsText(report: ImportReport): string {
  const { added, duplicates } = report.outcome;
  return `${formatCount(sent(report))}: ${formatCount(added)} new, ${formatCount(duplicates)} already in the log`;
}

function tenantsText(tenants: ReadonlySet<string>): string {
  const names = [...tenants].sort();
  return names.length <= 8
    ? names.join(', ')
    : `${names.slice(0, 7).join(', ')} and ${names.length - 7} more`;
}
