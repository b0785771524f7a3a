import { Command } from 'commander';
import { lockArchives, readArchivedParts, unlockArchives } from '@quipu/event-log';
import { parseDuration, parseTime, TIME_FORMS, UsageError } from '@quipu/platform';
import { checkArchives } from '../archive/check-archives.js';
import {
  type OldWish,
  type Partition,
  partitionSize,
  readPartitions,
  setPartitionSize,
} from '../archive/partitions.js';
import { partitionJson, partJson, printArchives } from '../archive/print-archives.js';
import { restoreArchives, type RestoreWish } from '../archive/restore-archives.js';
import { type ArchiveRun, runArchive } from '../archive/run-archive.js';
import { type Cli } from '../support/cli.js';
import { CheckFailedError, CommandFailedError, InterruptedError } from '../support/exit-codes.js';
import { formatBytes, formatCount, formatDuration, plural } from '../support/numbers.js';
import { type Services, withServices } from '../support/services.js';
import { note, printJson, printLine } from '../support/terminal.js';

const HELP = `
The log grows for ever; its old partitions can be moved to gzipped NDJSON files in QUIPU_ARCHIVE_DIR (default: archive in
the data directory), which every process must be able to read: API, projector, and these commands. Identities stay in the
database, so an event of years ago is still recognised; so do all states and numbers. Rebuild, verify, reasons and
timelines read the files. What needs the table back says so: an answer as of a time that is archived.
Exit codes: 0 done, 1 it could not be done, 2 wrong usage, 3 a file is not what was archived, 130 interrupted.

Examples:
  $ ./quipu archive
  $ ./quipu archive run --older-than 180d
  $ ./quipu archive check
  $ ./quipu archive restore --from 2026-01-01
`;

const LIST_HELP = `
Events of partitions in the database are counted by the appends that begin in them.

Examples:
  $ ./quipu archive list
  $ ./quipu archive list --json
`;

const RUN_HELP = `
Whole partitions only, oldest first, and none that is still being filled or that a projection has not folded. A file is
written, brought to disk, read back and compared with the digest chain; then it is noted, and from then on it is what
everybody reads; the partition is dropped once every transaction of before has ended. Killed anywhere, the same command
goes on; beside a running system, it makes nobody wait for longer than a second. With several options, all must hold.

Examples:
  $ ./quipu archive run --older-than 180d
  $ ./quipu archive run --before 2026-01-01
  $ ./quipu archive run --before @30000000      # positions below
  $ ./quipu archive run --keep 2 --json         # all but the newest two complete partitions
`;

const RESTORE_HELP = `
The newest first, down to the one asked for: archives leave no hole. The files stay where they are.

Examples:
  $ ./quipu archive restore --from 2026-01-01
  $ ./quipu archive restore --from @20000000
  $ ./quipu archive restore --all
`;

const CHECK_HELP = `
Compares every file with the SHA-256 that the database keeps of it. \`./quipu verify\` also recomputes the digest chain.

Examples:
  $ ./quipu archive check
  $ ./quipu archive check --json
`;

const SIZE_HELP = `
Partitions that are there stay as they are, and so does the one that is made ahead. Default: 10,000,000.

Examples:
  $ ./quipu archive partition-size
  $ ./quipu archive partition-size 1000000
`;

/** A backup that began before is waited for so long. */
const DEFAULT_WAIT = '5m';

interface RunOptions {
  readonly olderThan?: string;
  readonly before?: string;
  readonly keep?: string;
  readonly wait: string;
  readonly json?: boolean;
}

/** `archive`: old partitions of the log in files. */
export function archiveCommand(cli: Cli): Command {
  const command = new Command('archive')
    .description('move old partitions of the log to compressed files that everything goes on reading')
    .addHelpText('after', HELP);
  command
    .command('list', { isDefault: true })
    .description('which parts of the log are archived, and which are in the database')
    .option('--json', 'print JSON')
    .addHelpText('after', LIST_HELP)
    .action((options: { json?: boolean }) => list(cli, options.json ?? false));
  command
    .command('run')
    .description('move old partitions to files')
    .option('--older-than <duration>', 'those whose events were all recorded longer ago than this (180d)')
    .option('--before <when>', `those before: ${TIME_FORMS}; or @ and a position`)
    .option('--keep <n>', 'all but the newest n that are complete')
    .option('--wait <duration>', 'how long to wait for whatever still reads a partition', DEFAULT_WAIT)
    .option('--json', 'print JSON')
    .addHelpText('after', RUN_HELP)
    .action((options: RunOptions) => run(cli, options));
  command
    .command('restore')
    .description('bring archived parts back into the database')
    .option('--from <when>', `all that hold something from then on: ${TIME_FORMS}; or @ and a position`)
    .option('--all', 'all of them')
    .option('--json', 'print JSON')
    .addHelpText('after', RESTORE_HELP)
    .action((options: { from?: string; all?: boolean; json?: boolean }) => restore(cli, options));
  command
    .command('check')
    .description('compare the files with what the database knows of them')
    .option('--json', 'print JSON')
    .addHelpText('after', CHECK_HELP)
    .action((options: { json?: boolean }) => check(cli, options.json ?? false));
  command
    .command('partition-size')
    .description('how many positions a partition takes that is made from now on')
    .argument('[positions]', 'the new size')
    .option('--json', 'print JSON')
    .addHelpText('after', SIZE_HELP)
    .action((size: string | undefined, options: { json?: boolean }) =>
      sizeOf(cli, size, options.json ?? false),
    );
  return command;
}

async function list(cli: Cli, json: boolean): Promise<void> {
  const found = await withServices(cli, async ({ pool, config }) => ({
    directory: config.archiveDir,
    parts: await readArchivedParts(pool),
    partitions: await readPartitions(pool),
  }));
  const { directory, parts, partitions } = found;
  if (json) {
    return printJson(cli.terminal, {
      directory,
      archives: parts.map(partJson),
      partitions: partitions.map(partitionJson),
    });
  }
  printArchives(cli.terminal, found);
  if (parts.length > 0) printLine(cli.terminal, cli.terminal.colours.dim(`files in ${directory}`));
}

async function run(cli: Cli, options: RunOptions): Promise<void> {
  const wish = wishOf(options, cli.clock.now());
  const waitMs = parseDuration(options.wait);
  const quiet = options.json ?? false;
  const report = await alone(cli, (services) => runArchive(cli, services, wish, { waitMs, quiet }));
  if (quiet) printJson(cli.terminal, runJson(report));
  else printRun(cli, report);
  if (report.blockedBy !== null) throw blocked(report.blockedBy);
  if (!report.waiting) return;
  throw new CommandFailedError(
    `Something still reads the log as it was before: the last partition was not dropped.`,
    {
      hint: 'A backup, perhaps. Its file is good and in use; run the command again to drop the partition.',
    },
  );
}

function blocked({ first, end }: Partition): CommandFailedError {
  const where = `Positions ${first} to ${end - 1n} are a complete partition without events`;
  return new CommandFailedError(
    `${where}: neither it nor old ones behind it can be archived, for archives leave no hole.`,
    {
      hint: 'They stay in the database and are read from there. Whole partitions are not skipped in regular work: let `./quipu verify` tell whether events are missing.',
    },
  );
}

function wishOf({ olderThan, before, keep }: RunOptions, nowMs: number): OldWish {
  if (olderThan === undefined && before === undefined && keep === undefined) {
    throw new UsageError('Say what is old: --older-than, --before or --keep.', {
      hint: 'For example: ./quipu archive run --older-than 180d',
    });
  }
  if (keep !== undefined && !/^\d{1,6}$/.test(keep))
    throw new UsageError(`--keep takes a number, not "${keep}".`);
  const times = [
    ...(olderThan === undefined ? [] : [nowMs - parseDuration(olderThan)]),
    ...(before === undefined || isPosition(before) ? [] : [parseTime(before, nowMs)]),
  ];
  return {
    ...(times.length === 0 ? {} : { beforeMs: Math.min(...times) }),
    ...(before !== undefined && isPosition(before) ? { beforePosition: BigInt(before.trim().slice(1)) } : {}),
    ...(keep === undefined ? {} : { keep: Number(keep) }),
  };
}

function isPosition(text: string): boolean {
  return /^\s*@\d{1,18}\s*$/.test(text);
}

function runJson({ directory, parts, waiting, blockedBy, seconds }: ArchiveRun): object {
  return {
    directory,
    archived: parts.map(({ part, freed }) => ({ ...partJson(part), dropped: freed !== null, freed })),
    ...{ waiting, blockedBy: blockedBy === null ? null : partitionJson(blockedBy), seconds },
  };
}

function printRun(cli: Cli, { parts, directory, blockedBy, seconds }: ArchiveRun): void {
  if (parts.length === 0 && blockedBy !== null) return;
  if (parts.length === 0) return printLine(cli.terminal, 'No complete partition is that old.');
  for (const { part, freed } of parts) {
    const what = `${formatCount(part.first)} to ${formatCount(part.end - 1n)}: ${plural(part.events, 'event')}`;
    const place = `${part.file}, ${formatBytes(part.bytes)}`;
    const gone = freed === null ? 'still in the database' : `${formatBytes(freed)} freed in the database`;
    printLine(cli.terminal, `${what} in ${place}; ${gone}`);
  }
  printLine(
    cli.terminal,
    `${plural(parts.length, 'partition')} in ${directory}, in ${formatDuration(seconds * 1000)}. Copy the files to where backups are.`,
  );
}

async function restore(
  cli: Cli,
  { from, all, json = false }: { from?: string; all?: boolean; json?: boolean },
): Promise<void> {
  if ((from === undefined) === (all === undefined)) throw new UsageError('Say which: --from or --all.');
  const wish: RestoreWish =
    from === undefined
      ? {}
      : isPosition(from)
        ? { fromPosition: BigInt(from.trim().slice(1)) }
        : { fromMs: parseTime(from, cli.clock.now()) };
  const parts = await alone(cli, (services) => restoreArchives(cli, services, wish, json));
  if (json) return printJson(cli.terminal, { restored: parts.map(partJson) });
  const events = parts.reduce((sum, part) => sum + part.events, 0);
  printLine(
    cli.terminal,
    parts.length === 0
      ? 'Nothing that was asked for is archived.'
      : `${plural(events, 'event')} of ${plural(parts.length, 'archive')} are in the database again. The files stay; nothing reads them.`,
  );
}

async function check(cli: Cli, json: boolean): Promise<void> {
  const { parts, faults } = await withServices(cli, async ({ pool, config }) => {
    const found = await readArchivedParts(pool);
    return { parts: found, faults: await checkArchives(cli, config.archiveDir, found, json) };
  });
  if (json) printJson(cli.terminal, { archives: parts.length, faults });
  else {
    for (const { file, why } of faults) printLine(cli.terminal, `${file}: ${why}`);
    if (parts.length === 0) printLine(cli.terminal, 'Nothing is archived.');
    else if (faults.length === 0)
      printLine(cli.terminal, `${plural(parts.length, 'archive')} as they were written.`);
  }
  if (faults.length > 0) {
    throw new CheckFailedError(`${plural(faults.length, 'file')} of the archives cannot be trusted.`, {
      hint: 'Bring them back from where archives are copied to.',
    });
  }
}

async function sizeOf(cli: Cli, text: string | undefined, json: boolean): Promise<void> {
  if (text !== undefined && !/^[1-9]\d{2,15}$/.test(text)) {
    throw new UsageError('A partition takes a whole number of positions, 100 at least.');
  }
  const size = await withServices(cli, async ({ pool }) => {
    if (text !== undefined) await setPartitionSize(pool, BigInt(text));
    return partitionSize(pool);
  });
  if (json) printJson(cli.terminal, { positions: String(size) });
  else printLine(cli.terminal, `${formatCount(size)} positions`);
}

/** Runs work that moves partitions, alone on this log. */
async function alone<T>(cli: Cli, work: (services: Services) => Promise<T>): Promise<T> {
  return withServices(cli, async (services) => {
    const client = await services.pool.connect();
    try {
      if (!(await lockArchives(client, 'exclusive'))) {
        throw new CommandFailedError('A verify, or another command of `archive`, is at work on this log.', {
          hint: 'Run it again when that has ended.',
        });
      }
      try {
        return await work(services);
      } finally {
        await unlockArchives(client, 'exclusive');
      }
    } catch (error) {
      if (!cli.interrupted.aborted) throw error;
      note(cli.terminal, 'Interrupted. The log is whole; the same command goes on from here.');
      throw new InterruptedError('Interrupted.');
    } finally {
      client.release();
    }
  });
}
