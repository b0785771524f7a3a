import { shownSlots } from '@quipu/ledger';
import { printableText } from '../dead-letters/printable.js';
import { type VerifyReport } from '../verify/report.js';
import { formatCount, formatDuration, formatSeconds, plural } from './numbers.js';
import { printLine, type Terminal } from './terminal.js';

/** Prints what verify found, for a person. */
export function printVerifyReport(terminal: Terminal, report: VerifyReport): void {
  const { bold, dim, green, red, yellow } = terminal.colours;
  const verdict = report.ok ? green('exact') : red(`${plural(report.differences, 'difference')}`);
  printLine(terminal, `${bold('verify')}  ${verdict}`);
  const line = (name: string, text: string): void => printLine(terminal, `  ${dim(name.padEnd(10))}${text}`);
  const { jobs, nodes, workers, others } = report.entities;
  const compared = Object.values(report.compared).reduce((sum, count) => sum + count, 0);
  line('log', `${plural(report.events, 'event')} up to position ${formatCount(BigInt(report.position))}`);
  if (report.skipped > 0) line('skipped', `${plural(report.skipped, 'event')} by an operator's order`);
  const counted = [plural(jobs, 'job'), plural(nodes, 'node'), plural(workers, 'worker')];
  line('entities', `${counted.join(', ')}, ${plural(others, 'other')}`);
  line('compared', `${plural(compared, 'row')} ${dim(comparedText(report))}`);
  line('slots', slotsText(report));
  line(
    'Redis',
    report.redis.compared ? 'compared' : yellow(`not compared: ${report.redis.reason ?? 'unknown'}`),
  );
  line('time', formatDuration(report.elapsedMs));
  if (report.copy !== null) {
    line('copy', `${plural(report.copy.events, 'event')} written, read back and checked`);
  }
  for (const { kind, key, expected, found, entities } of report.examples) {
    printLine(terminal, `  ${red('✗')} ${kind} ${printableText(key)}`);
    // What is conserved is compared with itself, not with the log.
    const due = kind === 'conservation' ? expected : `the log comes to ${expected ?? 'no row'}`;
    printLine(terminal, `      ${due}, found ${found ?? 'no row'}`);
    if (entities.length > 0) printLine(terminal, dim(`      look at ${printableText(entities.join(', '))}`));
  }
}

/** Of all slots of workers, up to now: what they were for, and that it is all there. */
function slotsText({ conservation: { tenants, platform } }: VerifyReport): string {
  const seconds = (ms: bigint): string => `${formatSeconds(ms)} s`;
  if (tenants === 0) return 'no worker is known';
  const { busyMs, idleMs, offlineMs, registeredMs } = platform;
  // Jobs may hold a worker beyond its slots: none of the three is shown below 0, and they come to the same.
  const shown = shownSlots({ busy: BigInt(busyMs), idle: BigInt(idleMs), offline: BigInt(offlineMs) });
  const parts = `${seconds(shown.busy)} busy, ${seconds(shown.idle)} idle, ${seconds(shown.offline)} offline`;
  return `${parts} of ${seconds(BigInt(registeredMs))} registered, ${plural(tenants, 'tenant')}`;
}

function comparedText(report: VerifyReport): string {
  const parts = Object.entries(report.compared)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${kind} ${formatCount(count)}`);
  return parts.length === 0 ? '' : `(${parts.join(', ')})`;
}
