import { WORKER_STATES, type WorkerRow, type WorkersAnswer } from '@quipu/read-models';
import { plural } from '../support/numbers.js';
import { renderTable } from '../support/table.js';
import { printJson, printLine, type Terminal } from '../support/terminal.js';
import { formatTime } from '../support/times.js';
import { agoText, jobsText, nameText, stateText, workerJson } from './fleet-texts.js';

/** Prints workers as JSON, with the members that `GET /api/workers` has. */
export function printWorkersJson(
  terminal: Terminal,
  answer: WorkersAnswer,
  rows: readonly WorkerRow[],
): void {
  printJson(terminal, {
    asOf: new Date(answer.asOf).toISOString(),
    position: String(answer.position),
    rows: rows.map(workerJson),
  });
}

/** `3 workers: 2 busy, 1 lost`. */
export function countText(rows: readonly Pick<WorkerRow, 'state'>[]): string {
  const counts = WORKER_STATES.map(
    (state) => [rows.filter((row) => row.state === state).length, state] as const,
  )
    .filter(([count]) => count > 0)
    .map(([count, state]) => `${count} ${state}`);
  return `${plural(rows.length, 'worker')}${counts.length === 0 ? '' : `: ${counts.join(', ')}`}`;
}

/** Workers as a table. */
export function workersTable(
  terminal: Pick<Terminal, 'colours'>,
  rows: readonly WorkerRow[],
  now: number,
): string {
  const left = ['worker', 'tenant', 'pool', 'type', 'host'].map((title) => ({ title }));
  const columns = [
    ...left,
    { title: 'slots', align: 'right' as const },
    ...[{ title: 'state' }, { title: 'for', align: 'right' as const }],
    ...[{ title: 'heartbeat', align: 'right' as const }, { title: 'jobs' }],
  ];
  const cells = rows.map((row) => [
    ...[row.worker, row.tenant, row.pool, row.type, row.host].map(nameText),
    `${row.held}/${row.slots}`,
    stateText(row, terminal.colours),
    agoText(row.since, now),
    agoText(row.lastHeartbeat, now),
    jobsText(row),
  ]);
  return renderTable(terminal, columns, cells, { indent: 2 });
}

/** Prints workers as a table, counted above it. */
export function printWorkers(
  terminal: Terminal,
  answer: WorkersAnswer,
  rows: readonly WorkerRow[],
  behind?: string,
): void {
  const { dim, yellow } = terminal.colours;
  const at = formatTime(Math.floor(answer.asOf / 1000) * 1000);
  printLine(terminal, dim(`${countText(rows)}, at ${at}`));
  printLine(terminal);
  printLine(terminal, rows.length === 0 ? '  none' : workersTable(terminal, rows, answer.asOf));
  if (behind !== undefined) printLine(terminal, `\n${yellow(behind)}`);
}
