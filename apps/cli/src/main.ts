#!/usr/bin/env node
import { note } from './support/terminal.js';
import { processCli } from './support/cli.js';
import { EXIT } from './support/exit-codes.js';
import { runCli } from './run-cli.js';

const cli = processCli();
let unwritten: NodeJS.ErrnoException | undefined;
process.stdout.on('error', (error: NodeJS.ErrnoException) => (unwritten ??= error));
const exitCode = await runCli(cli, process.argv.slice(2));
// Whatever a library keeps open (a timer, a socket) must not keep a finished command alive; what was
// written to a pipe must arrive first.
process.stdout.write('', () => process.exit(finalCode()));

/** A reader that has seen enough (`quipu usage | head`) is no error; a full disk is. */
function finalCode(): number {
  if (unwritten === undefined) return exitCode;
  if (unwritten.code === 'EPIPE') return EXIT.ok;
  note(cli.terminal, `quipu: The answer could not be written: ${unwritten.message}`);
  return EXIT.error;
}
