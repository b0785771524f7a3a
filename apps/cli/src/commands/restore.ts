import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { LogArchive } from '@quipu/event-log';
import { runningSupervisor, startServices } from '@quipu/platform';
import { type RestorePhase, type RestoreReport, restoreBackup } from '../backup/restore-backup.js';
import { type Cli } from '../support/cli.js';
import { CommandFailedError, InterruptedError } from '../support/exit-codes.js';
import { formatCount, formatDuration, plural } from '../support/numbers.js';
import { createProgress } from '../support/progress.js';
import { note, printJson, printLine } from '../support/terminal.js';

const HELP = `
Into an empty database: a new data directory, or one that DATABASE_URL names. The file is checked before anything is
touched, its digest chain before anything is kept. Killed half-way it leaves a database without events; run it again.
A Redis that still holds totals of before is recognised and loaded anew when a projector runs. Keys are those of the
backup, except the superadmin's: \`./quipu start\` sets that of the data directory or of QUIPU_SUPERADMIN_KEY.
Archives of the log that the backup names must be in QUIPU_ARCHIVE_DIR (default: archive in the data directory).
Exit codes: 0 done, 1 it could not be done, 2 wrong usage, 3 the backup or an archive is cut, was changed, or is missing,
130 interrupted.

Examples:
  $ QUIPU_DATA_DIR=/srv/quipu ./quipu restore quipu-monday.backup
  $ DATABASE_URL=postgres://quipu@db/quipu ./quipu restore quipu-monday.backup
  $ ./quipu restore quipu-monday.backup --force
`;

const PHASES: Record<RestorePhase, { label: string; unit: string }> = {
  check: { label: 'checking the file', unit: 'bytes' },
  fill: { label: 'restoring', unit: 'bytes' },
  digests: { label: 'checking digests', unit: 'events' },
  settle: { label: 'gathering statistics', unit: 'events' },
};

/** `restore`: fills an empty database from a backup. */
export function restoreCommand(cli: Cli): Command {
  return new Command('restore')
    .description('fill an empty database from a backup')
    .argument('<file>', 'what `backup` wrote')
    .option('--force', 'lose what the database holds')
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action(async (name: string, options: { force?: boolean; json?: boolean }) => {
      const file = resolve(name);
      const bytes = statSync(file).size;
      const config = cli.config();
      const system = runningSupervisor(config.dataDir);
      if (system !== null) {
        throw new CommandFailedError(`A system runs on this data directory, at ${system.url}.`, {
          hint: 'Stop it first: `./quipu stop`.',
        });
      }
      const started = performance.now();
      const services = await startServices(config, cli.logger);
      try {
        const report = await restore(cli, services.databaseUrl, { ...options, file, bytes });
        const seconds = (performance.now() - started) / 1000;
        const { head, events, rows, migrated } = report;
        if (options.json) {
          const { created, position, ledger } = head;
          return printJson(cli.terminal, {
            file,
            created,
            position,
            ledger,
            events,
            rows,
            migrated,
            seconds,
          });
        }
        printLine(
          cli.terminal,
          `The log stands at position ${formatCount(BigInt(head.position))}, as of ${head.created}: ${plural(events, 'event')}, ${plural(rows, 'row')}, digests checked, in ${formatDuration(seconds * 1000)}.`,
        );
        printLine(cli.terminal, '`./quipu verify` proves the numbers; `./quipu start` goes on from here.');
      } finally {
        await services.stop();
      }
    });
}

async function restore(
  cli: Cli,
  databaseUrl: string,
  options: { file: string; bytes: number; force?: boolean; json?: boolean },
): Promise<RestoreReport> {
  let phase: RestorePhase | null = null;
  let progress = createProgress(cli.terminal, { ...PHASES.check, silent: true });
  try {
    return await restoreBackup({
      ...{ databaseUrl, file: options.file, force: options.force ?? false },
      archive: new LogArchive(cli.config().archiveDir),
      ...{ clock: cli.clock, logger: cli.logger, signal: cli.interrupted },
      progress: (now, done) => {
        if (now !== phase) {
          progress.stop();
          phase = now;
          const total = PHASES[now].unit === 'bytes' ? options.bytes : 0;
          progress = createProgress(cli.terminal, { ...PHASES[now], total, silent: options.json ?? false });
        }
        progress.update(done, done);
      },
    });
  } catch (error) {
    if (!cli.interrupted.aborted) throw error;
    note(cli.terminal, 'Interrupted. The database holds no events; restore again.');
    throw new InterruptedError('Interrupted.');
  } finally {
    progress.stop();
  }
}
