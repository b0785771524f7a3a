import pc from 'picocolors';
import type { Writable } from 'node:stream';

/** Text decorations; identity functions where colours are off. */
export type Colours = ReturnType<typeof pc.createColors>;

/** Where a command writes: answers go to `out`, everything about the work itself to `err`. */
export interface Terminal {
  readonly out: Writable;
  readonly err: Writable;
  /** Colours for `out`. */
  readonly colours: Colours;
  /** Whether `out` is a terminal whose cursor can be moved. */
  readonly outIsTty: boolean;
  /** Whether `err` is a terminal, so that a progress bar may redraw itself. */
  readonly errIsTty: boolean;
  /** Width of `out` in columns. */
  readonly columns: number;
}

/** The terminal of this process. Colours only on a real terminal, never with `NO_COLOR` or a dumb one. */
export function processTerminal(env: NodeJS.ProcessEnv = process.env): Terminal {
  // Undefined, not false, on a pipe: given on, it would leave the choice to picocolors, which colours wherever CI is set.
  const outIsTty = Boolean(process.stdout.isTTY);
  const plain = env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '';
  const dumb = env['TERM'] === 'dumb';
  return {
    out: process.stdout,
    err: process.stderr,
    colours: pc.createColors(outIsTty && !plain && !dumb),
    outIsTty: outIsTty && !dumb,
    errIsTty: Boolean(process.stderr.isTTY) && !dumb,
    columns: process.stdout.columns || 100,
  };
}

/** Writes one line of an answer. */
export function printLine(terminal: Terminal, line = ''): void {
  terminal.out.write(`${line}\n`);
}

/** Writes a line about the work (not part of the answer) to stderr. */
export function note(terminal: Terminal, line: string): void {
  terminal.err.write(`${line}\n`);
}

/** Writes an answer as JSON; bigints become decimal strings, since JSON numbers end at 2^53 in most readers. */
export function printJson(terminal: Terminal, value: unknown): void {
  const text = JSON.stringify(
    value,
    (_key, entry: unknown) => (typeof entry === 'bigint' ? String(entry) : entry),
    2,
  );
  terminal.out.write(`${text}\n`);
}
