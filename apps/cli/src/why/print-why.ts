import { formatTime } from '@quipu/platform';
import {
  type ExplainedItem,
  type Measure,
  measureKind,
  type WhyAnswer,
  type WhyEvent,
} from '@quipu/read-models';
import { formatCount, formatSeconds, plural, secondsText } from '../support/numbers.js';
import { type Column, renderTable } from '../support/table.js';
import { printJson, printLine, type Terminal } from '../support/terminal.js';

const UNITS: Partial<Record<Measure, string>> = { node_seconds: 'node-seconds', nodes: 'nodes' };

function isSeconds(measure: Measure): boolean {
  return measureKind(measure).kind === 'integral';
}

function unitOf(measure: Measure): string {
  return UNITS[measure] ?? (isSeconds(measure) ? 'job-seconds' : 'jobs');
}

function iso(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

/** Prints reasons as JSON: times as ISO 8601, amounts as exact decimal strings. */
export function printWhyJson(terminal: Terminal, answer: WhyAnswer): void {
  const { measure, filters, start, end, at } = answer.window;
  const seconds = isSeconds(measure);
  const amountOf = (amount: bigint): string => (seconds ? secondsText(amount) : String(amount));
  printJson(terminal, {
    ...{ measure, unit: unitOf(measure), filters, asOf: iso(answer.asOf), position: String(answer.position) },
    ...(seconds ? { start: iso(start), end: iso(end) } : { at: iso(at) }),
    ...{ total: amountOf(answer.total), entities: answer.entities, intervals: answer.intervals },
    ...{ estimated: answer.estimatedTotal !== 0n, estimatedTotal: amountOf(answer.estimatedTotal) },
    rows: answer.items.map(({ key, dims, life, height, estimated, amount, events, ...times }) => ({
      ...{ entity: key.id, ...dims, life, height, estimated, amount: amountOf(amount) },
      ...{ start: iso(times.start), end: iso(times.end), from: iso(times.from), to: iso(times.to) },
      ...(events === null
        ? {}
        : {
            events: events.map(({ position, time, recordedMs, type, source, id }) => ({
              ...{ position, type, time: iso(time), recorded: iso(recordedMs), source, id },
            })),
          }),
    })),
  });
}

/** Prints reasons as a table, largest first, with what is not shown counted under it. */
export function printWhy(terminal: Terminal, answer: WhyAnswer, behind?: string): void {
  const { bold, dim, yellow } = terminal.colours;
  const { measure, start, end, at } = answer.window;
  const seconds = isSeconds(measure);
  const amountOf = (amount: bigint): string => (seconds ? formatSeconds(amount) : formatCount(amount));
  const when = seconds
    ? `from ${start === null ? 'the beginning' : formatTime(start)} to ${formatTime(end)}`
    : `at ${formatTime(at)}`;
  printLine(terminal, dim(`${measure} ${when}, as of position ${answer.position}`));
  printLine(terminal);
  const count = `${plural(answer.intervals, 'interval')} of ${plural(answer.entities, 'entity', 'entities')}`;
  printLine(terminal, `  ${bold(amountOf(answer.total))} ${unitOf(measure)}, from ${count}`);
  if (answer.estimatedTotal !== 0n) {
    const what = `${amountOf(answer.estimatedTotal)} of them are estimated: nobody told when they ended`;
    printLine(terminal, `  ${dim(what)}`);
  }
  if (answer.items.length > 0) {
    printLine(terminal);
    printLine(terminal, table(terminal, answer, amountOf));
  }
  if (answer.next !== null) {
    const shown = answer.items.reduce((sum, item) => sum + item.amount, 0n);
    const rest = `${amountOf(answer.total - shown)} ${unitOf(measure)} in ${plural(answer.intervals - answer.items.length, 'more interval')}`;
    printLine(terminal, dim(`\n  and ${rest} (--limit shows more, --export all)`));
  }
  if (behind !== undefined) printLine(terminal, `\n${yellow(behind)}`);
}

function table(terminal: Terminal, answer: WhyAnswer, amountOf: (amount: bigint) => string): string {
  const { measure } = answer.window;
  const columns: Column[] = [
    ...['entity', 'user', 'queue', 'from', 'to'].map((title) => ({ title })),
    ...['nodes', unitOf(measure), 'share'].map((title) => ({ title, align: 'right' as const })),
  ];
  const withoutNodes = unitOf(measure) === 'node-seconds' || unitOf(measure) === 'nodes' ? -1 : 5;
  const pick = <T>(cells: readonly T[]): T[] => cells.filter((_, i) => i !== withoutNodes);
  const rows = answer.items.flatMap((item) => [
    pick([
      entityText(item),
      item.dims.user ?? '–',
      item.dims.queue ?? '–',
      item.from === null ? '–' : formatTime(item.from),
      endText(item),
      formatCount(item.height),
      amountOf(item.amount),
      shareText(item.amount, answer.total),
    ]),
    ...(item.events ?? []).map((event) => eventRow(terminal, event, columns.length)),
  ]);
  return renderTable(terminal, pick(columns), rows, { indent: 2 });
}

function entityText({ key, life }: ExplainedItem): string {
  if (key.kind === 'job') return life === '1' ? key.id : `${key.id} (attempt ${life})`;
  return life === '' ? key.id : `${key.id} (${life})`;
}

function endText({ to, end, estimated }: ExplainedItem): string {
  if (to === null) return 'now';
  return `${formatTime(to)}${estimated && to === end ? ' (estimated)' : ''}`;
}

function shareText(amount: bigint, total: bigint): string {
  if (total === 0n) return '–';
  const thousandths = (amount * 1000n) / total;
  return `${thousandths / 10n}.${thousandths % 10n} %`;
}

function eventRow(terminal: Terminal, event: WhyEvent, width: number): string[] {
  const { dim } = terminal.colours;
  const cells = [`  ${event.position}  ${event.type}`, event.source, '', formatTime(event.time), ''];
  return Array.from({ length: width }, (_, i) => (cells[i] === undefined ? '' : dim(cells[i])));
}
