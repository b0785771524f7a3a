import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { recordAudit } from '@quipu/access';
import { UsageError } from '@quipu/platform';
import { type BackupReport, writeBackup } from '../backup/write-backup.js';
import { type Cli } from '../support/cli.js';
import { InterruptedError } from '../support/exit-codes.js';
import { formatBytes, formatCount, formatDuration, plural } from '../support/numbers.js';
import { createProgress } from '../support/progress.js';
import { LOCAL_ACTOR } from '../support/scope.js';
import { type Services, withServices } from '../support/services.js';
import { note, printJson, printLine } from '../support/terminal.js';

const HELP = `
One snapshot of everything that cannot be made anew (the log with identities and digests, dead letters, tenants,
principals, hashes of keys, audit) and of the numbers, beside a running system. The file gets its name when it is
complete. It is gzip over text, mode 0600. What waits in the queue is not in it: that is in Redis. Neither are archives of
the log (\`./quipu archive\`): it names them with their sums, and they must be kept with it.
Exit codes: 0 done, 1 it could not be done, 2 wrong usage, 130 interrupted.

Examples:
  $ ./quipu backup quipu-monday.backup
  $ ./quipu backup /mnt/backups/quipu.backup --force --json
`;

/** `backup`: writes a consistent copy of everything to a file. */
export function backupCommand(cli: Cli): Command {
  return new Command('backup')
    .description('write a consistent copy of everything to a file')
    .argument('<file>', 'where to')
    .option('--force', 'replace the file if there is one; the old one stays until the new one is complete')
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action(async (name: string, options: { force?: boolean; json?: boolean }) => {
      const file = resolve(name);
      if (existsSync(file) && !options.force) {
        throw new UsageError(`${name} is there already.`, { hint: 'Take another name, or add --force.' });
      }
      const started = performance.now();
      const report = await withServices(cli, (services) =>
        backUp(cli, services, file, options.json ?? false),
      );
      const rows = report.tables.reduce((sum, table) => sum + table.rows, 0);
      const bytes = report.tables.reduce((sum, table) => sum + table.bytes, 0);
      const events = report.tables.find(({ table }) => table === 'public.log')?.rows ?? 0;
      const seconds = (performance.now() - started) / 1000;
      if (options.json) {
        const { head, tables } = report;
        printJson(cli.terminal, {
          ...{ file, created: head.created, position: head.position, ledger: head.ledger },
          ...{ events, rows, bytes, seconds, tables, archives: head.archives ?? [] },
        });
      } else {
        const archives = (report.head.archives ?? []).map(({ file: archive }) => archive);
        if (archives.length > 0) {
          note(
            cli.terminal,
            `It needs these archives with it, from ${cli.config().archiveDir}: ${archives.join(', ')}`,
          );
        }
        printLine(
          cli.terminal,
          `${name} holds the log up to position ${formatCount(BigInt(report.head.position))}: ${plural(events, 'event')}, ${plural(rows, 'row')}, ${formatBytes(bytes)} unpacked, in ${formatDuration(seconds * 1000)}.`,
        );
      }
    });
}

async function backUp(cli: Cli, services: Services, file: string, quiet: boolean): Promise<BackupReport> {
  const { databaseUrl, pool } = services;
  const progress = createProgress(cli.terminal, { label: 'copying', unit: 'rows', silent: quiet });
  try {
    const report = await writeBackup({
      ...{ databaseUrl, file, clock: cli.clock, signal: cli.interrupted },
      progress: (table, rows) => progress.update(rows, rows, `copying ${table}`),
    });
    const detail = { position: report.head.position };
    await recordAudit(pool, {
      ...{ atMs: cli.clock.now(), actor: LOCAL_ACTOR, action: 'ledger.backed_up', detail },
    });
    return report;
  } catch (error) {
    if (!cli.interrupted.aborted) throw error;
    note(cli.terminal, 'Interrupted. No backup was written.');
    throw new InterruptedError('Interrupted.');
  } finally {
    progress.stop();
  }
}
