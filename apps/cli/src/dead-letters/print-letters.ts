import { formatBytes, formatCount } from '../support/numbers.js';
import { renderTable } from '../support/table.js';
import { printJson, printLine, type Terminal } from '../support/terminal.js';
import { formatTime } from '../support/times.js';
import { type Letter } from './letters.js';
import { printableBytes, printableText } from './printable.js';
import { isUtf8 } from 'node:buffer';

const COLUMNS = [
  { title: 'id', align: 'right' },
  { title: 'status' },
  { title: 'reason' },
  { title: 'tenant' },
  { title: 'last seen' },
  { title: 'times', align: 'right' },
  { title: 'detail' },
] as const;

const MOST_DETAIL = 60;

/** Prints a page of letters; `next` is the id that the next page begins below. */
export function printLetters(terminal: Terminal, letters: readonly Letter[], next: bigint | null): void {
  if (letters.length === 0) {
    printLine(terminal, 'No such dead letters.');
    return;
  }
  const rows = letters.map((letter) => [
    String(letter.id),
    letter.status,
    letter.reason,
    letter.tenant ?? '',
    formatTime(letter.lastSeenMs),
    formatCount(letter.seen),
    shorten(printableText(letter.detail)),
  ]);
  printLine(terminal, renderTable(terminal, COLUMNS, rows, { indent: 2 }));
  if (next !== null) printLine(terminal, terminal.colours.dim(`  More: --before ${next}`));
}

/** Prints one letter, its bytes in a form that is safe on a terminal. */
export function printLetter(terminal: Terminal, letter: Letter): void {
  const { bold, dim } = terminal.colours;
  const line = (name: string, text: string): void => printLine(terminal, `  ${dim(name.padEnd(11))}${text}`);
  printLine(terminal, `${bold(`Dead letter ${letter.id}`)}  ${letter.status}`);
  line('reason', letter.reason);
  line('detail', printableText(letter.detail).replaceAll('\n', ' '));
  line('tenant', letter.tenant ?? 'unknown');
  const times = letter.seen === 1 ? 'once' : `${formatCount(letter.seen)} times`;
  line('seen', `${times}, first ${formatTime(letter.firstSeenMs)}, last ${formatTime(letter.lastSeenMs)}`);
  if (letter.jobId !== null) line('queue job', printableText(letter.jobId));
  line('bytes', formatBytes(letter.bytes));
  printLine(terminal);
  printLine(terminal, printableBytes(letter.raw));
}

/** Prints a page of letters as JSON. */
export function printLettersJson(terminal: Terminal, letters: readonly Letter[], next: bigint | null): void {
  printJson(terminal, { data: letters.map(letterJson), next });
}

/** Prints one letter as JSON; bytes that are no UTF-8 are base64. */
export function printLetterJson(terminal: Terminal, letter: Letter): void {
  const encoding = isUtf8(letter.raw) ? 'utf8' : 'base64';
  printJson(terminal, { ...letterJson(letter), encoding, raw: letter.raw.toString(encoding) });
}

function letterJson(letter: Letter): Record<string, unknown> {
  const { id, status, reason, detail, tenant, seen, bytes, jobId } = letter;
  const iso = (ms: number): string => new Date(ms).toISOString();
  return {
    ...{ id: String(id), status, reason, detail, tenant, seen, bytes, job: jobId },
    ...{ firstSeen: iso(letter.firstSeenMs), lastSeen: iso(letter.lastSeenMs) },
  };
}

function shorten(text: string): string {
  const line = text.replaceAll('\n', ' ');
  return line.length <= MOST_DETAIL ? line : `${line.slice(0, MOST_DETAIL - 1)}…`;
}
