import { buildProgram } from './program.js';
import { type Cli } from './support/cli.js';
import { exitCodeOf, EXIT } from './support/exit-codes.js';
import { reportError } from './support/report-error.js';

/** Runs one command line and answers with the exit code; errors have been told by then. */
export async function runCli(cli: Cli, args: readonly string[]): Promise<number> {
  try {
    await buildProgram(cli).parseAsync(args, { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    reportError(cli.terminal, error, cli.env);
    return exitCodeOf(error);
  }
}
