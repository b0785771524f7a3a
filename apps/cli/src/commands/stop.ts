import { Command } from 'commander';
import { type OrphanedHome, orphanedHomes, servicesIn, stopSystem } from '@quipu/platform';
import { type Cli } from '../support/cli.js';
import { note, printJson, printLine, type Terminal } from '../support/terminal.js';

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
      for (const left of orphanedHomes()) noteLeftOver(cli.terminal, left);
    });
}

/** Data that a person may still want is not for us to remove. */
function noteLeftOver(terminal: Terminal, { path, dataDir }: OrphanedHome): void {
  const pids = servicesIn(path);
  const whose = dataDir === null ? 'a data directory' : dataDir;
  note(terminal, `${path} holds the Postgres and Redis of ${whose}, which is gone.`);
  const end = pids.length === 0 ? '' : `kill ${pids.join(' ')}; `;
  note(terminal, `  If it was deleted and not just moved or unmounted: ${end}rm -r ${path}`);
}
