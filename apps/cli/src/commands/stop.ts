import { Command } from 'commander';
import { stopSystem } from '@quipu/platform';
import { type Cli } from '../support/cli.js';
import { printJson, printLine } from '../support/terminal.js';

const HELP = `
Ends API and projector in good order (work in flight is finished), then the embedded Postgres and Redis, and
whatever a killed supervisor left behind. Repeating it does nothing.

Examples:
  $ ./quipu stop
  $ QUIPU_DATA_DIR=/srv/quipu ./quipu stop
`;

/** `stop`: takes the running system of this data directory down. */
export function stopCommand(cli: Cli): Command {
  return new Command('stop')
    .description('stop the running system of this data directory')
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action(async (options: { json?: boolean }) => {
      const stopped = await stopSystem(cli.config(), cli.logger);
      if (options.json) {
        printJson(cli.terminal, stopped);
        return;
      }
      const { wasRunning, orphans, services, stillUsed } = stopped;
      if (wasRunning) printLine(cli.terminal, 'Stopped.');
      if (orphans.length > 0)
        printLine(cli.terminal, `Ended what a killed start had left: ${orphans.join(', ')}.`);
      if (services.length > 0 && !wasRunning) printLine(cli.terminal, `Stopped ${services.join(' and ')}.`);
      if (stillUsed)
        printLine(cli.terminal, 'Postgres and Redis stay up until another command that uses them ends.');
      if (!wasRunning && orphans.length + services.length === 0)
        printLine(cli.terminal, 'Nothing was running.');
    });
}
