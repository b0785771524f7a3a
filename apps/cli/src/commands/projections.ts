import { Command } from 'commander';
import { recordAudit } from '@quipu/access';
import { LEDGER_PROJECTION } from '@quipu/ledger';
import { UsageError, withTransaction } from '@quipu/platform';
import { listGenerations, skipPosition } from '@quipu/projection-engine';
import { printProjections } from '../projections/print-projections.js';
import { readProjections } from '../projections/read-projections.js';
import { printBeside } from '../projections/print-beside.js';
import { dropGeneration, rebuildBeside } from '../projections/rebuild-beside.js';
import { rebuildInPlace } from '../projections/rebuild-in-place.js';
import { refuseOtherCode } from '../projections/refuse-other-code.js';
import { reseed } from '../projections/reseed.js';
import { type Cli } from '../support/cli.js';
import { formatCount, formatDuration, formatRate, plural } from '../support/numbers.js';
import { CommandFailedError } from '../support/exit-codes.js';
import { LOCAL_ACTOR } from '../support/scope.js';
import { withServices } from '../support/services.js';
import { printJson, printLine } from '../support/terminal.js';

const HELP = `
The ledger's tables are a projection of the log and can be made anew from it. Run \`./quipu verify\` afterwards if you
want proof. Exit codes: 0 done, 1 it could not be done (the message says why), 2 wrong usage, 3 an archive of the log is
not what was archived, 130 interrupted.

Examples:
  $ ./quipu projections
  $ ./quipu projections rebuild
  $ ./quipu projections rebuild --no-promote
  $ ./quipu projections promote
  $ ./quipu projections reseed
  $ ./quipu projections skip 48213 --reason "sent by a broken reporter, reported again as 48390"
`;

const STATUS_HELP = `
Code "this" is the one of this program; with other code a reseed or a rebuild is needed before it can go on.

Examples:
  $ ./quipu projections
  $ ./quipu projections status --json
`;

const REBUILD_HELP = `
Fills tables of their own beside the live ones, from the beginning of the log, while everything goes on; once they have
caught up they take the place of the live ones in one transaction, and readers notice nothing. The old ones are dropped
when nobody can be reading them any more. Killed or interrupted, the same command goes on where it was. It takes the
space of a second ledger for that time.

--in-place empties the tables that readers see: they are true numbers of ever later positions until it is done, and a
rebuild that is killed is finished by whatever runs the projector next.

Examples:
  $ ./quipu projections rebuild
  $ ./quipu projections rebuild --no-promote     # look at it first, then: ./quipu projections promote
  $ ./quipu projections rebuild --keep           # keep the old tables, for comparison
  $ ./quipu projections rebuild --in-place
`;

const PROMOTE_HELP = `
Builds what is still missing, then makes the new tables the live ones.

Examples:
  $ ./quipu projections promote
  $ ./quipu projections promote --keep
`;

const DROP_HELP = `
For one that was built and is not wanted, and for one that was kept. The live one is never dropped.

Examples:
  $ ./quipu projections drop ledger_2
`;

const RESEED_HELP = `
For a release that changed what entities contribute, but not their states. One transaction: readers see the old sums
until it is done, and a kill changes nothing.

Examples:
  $ ./quipu projections reseed
  $ ./quipu projections reseed --json
`;

const SKIP_HELP = `
Only the event that a projection stands still at can be skipped. Rebuild and verify honour it; it cannot be undone.

Examples:
  $ ./quipu projections skip 48213 --reason "sent by a broken reporter, reported again as 48390"
`;

interface RebuildOptions {
  readonly inPlace?: boolean;
  readonly promote?: boolean;
  readonly keep?: boolean;
  readonly force?: boolean;
  readonly json?: boolean;
}

const FORCE = 'even if a projector of other code is at work, which stands still afterwards';

/** `projections`: state, rebuild, reseed and skips of the ledger projection. */
export function projectionsCommand(cli: Cli): Command {
  const command = new Command('projections')
    .description('state of the ledger projection; rebuild, promote, reseed, skip a poison event')
    .addHelpText('after', HELP);
  command
    .command('status', { isDefault: true })
    .description('where each generation of the tables stands, whose code made it, and whether it is halted')
    .option('--json', 'print JSON')
    .addHelpText('after', STATUS_HELP)
    .action((options: { json?: boolean }) => showStatus(cli, options));
  command
    .command('rebuild')
    .description('make the tables anew from the log')
    .option('--in-place', 'empty the live tables and fill them again')
    .option('--no-promote', 'leave the new tables beside the live ones when they have caught up')
    .option('--keep', 'keep the tables that were live before')
    .option('--force', FORCE)
    .option('--json', 'print JSON')
    .addHelpText('after', REBUILD_HELP)
    .action((options: RebuildOptions) => rebuild(cli, options));
  command
    .command('promote')
    .description('let tables that were rebuilt take the place of the live ones')
    .option('--keep', 'keep the tables that were live before')
    .option('--force', FORCE)
    .option('--json', 'print JSON')
    .addHelpText('after', PROMOTE_HELP)
    .action((options: RebuildOptions) => promote(cli, options));
  command
    .command('drop')
    .description('drop a generation that is not live')
    .argument('<schema>', 'its schema, as the status shows it')
    .option('--json', 'print JSON')
    .addHelpText('after', DROP_HELP)
    .action((schema: string, options: { json?: boolean }) => drop(cli, schema, options));
  command
    .command('reseed')
    .description('make the sums anew from the stored states, where the ledger stands')
    .option('--force', FORCE)
    .option('--json', 'print JSON')
    .addHelpText('after', RESEED_HELP)
    .action((options: { force?: boolean; json?: boolean }) => reseedLive(cli, options));
  command
    .command('skip')
    .description('leave out the event that a projection stands still at, now and in every rebuild')
    .argument('<position>', 'its position, as the status shows it')
    .requiredOption('--reason <text>', 'why; kept with the skip')
    .option('--json', 'print JSON')
    .addHelpText('after', SKIP_HELP)
    .action((position: string, options: { reason: string; json?: boolean }) => skip(cli, position, options));
  return command;
}

async function showStatus(cli: Cli, options: { json?: boolean }): Promise<void> {
  const status = await withServices(cli, ({ pool }) => readProjections(pool, cli.clock.now()));
  if (options.json) printJson(cli.terminal, status);
  else printProjections(cli.terminal, status);
}

async function rebuild(cli: Cli, options: RebuildOptions): Promise<void> {
  if (!options.inPlace) return beside(cli, { ...options, promote: options.promote ?? true });
  if (options.keep || options.promote === false) {
    throw new UsageError('--keep and --no-promote do not go with --in-place.');
  }
  const report = await withServices(cli, async (services) => {
    await refuseOtherCode(services.pool, options.force ?? false);
    return rebuildInPlace(cli, services, options.json ?? false);
  });
  if (options.json) return printJson(cli.terminal, report);
  const pace = `${formatDuration(report.seconds * 1000)}, ${formatRate(report.eventsPerSecond)}`;
  printLine(
    cli.terminal,
    `The ledger stands at position ${formatCount(BigInt(report.position))}: ${plural(BigInt(report.events), 'event')} in ${pace}.`,
  );
}

async function promote(cli: Cli, options: RebuildOptions): Promise<void> {
  await withServices(cli, async ({ pool }) => {
    const generations = await listGenerations(pool, LEDGER_PROJECTION);
    if (generations.some(({ status }) => status === 'building')) return;
    throw new CommandFailedError('No generation is being built.', {
      hint: 'Build one: ./quipu projections rebuild',
    });
  });
  return beside(cli, { ...options, promote: true });
}

async function beside(cli: Cli, options: RebuildOptions & { promote: boolean }): Promise<void> {
  const { json: quiet = false, keep = false, promote: promoting } = options;
  const report = await withServices(cli, async (services) => {
    if (promoting) await refuseOtherCode(services.pool, options.force ?? false);
    return rebuildBeside(cli, services, { quiet, keep, promote: promoting });
  });
  if (quiet) return printJson(cli.terminal, report);
  printBeside(cli.terminal, report);
}

async function drop(cli: Cli, schema: string, options: { json?: boolean }): Promise<void> {
  if (!/^ledger_[1-9][0-9]{0,8}$/.test(schema))
    throw new UsageError(`"${schema}" is no generation of the ledger.`);
  const dropped = await withServices(cli, (services) => dropGeneration(cli, services, schema));
  if (!dropped) {
    throw new CommandFailedError(`Something still reads ${schema}.`, {
      hint: 'Wait for it, a backup perhaps, and try again.',
    });
  }
  if (options.json) printJson(cli.terminal, { schema, dropped });
  else printLine(cli.terminal, `${schema} is gone.`);
}

async function reseedLive(cli: Cli, options: { force?: boolean; json?: boolean }): Promise<void> {
  const report = await withServices(cli, async (services) => {
    await refuseOtherCode(services.pool, options.force ?? false);
    return reseed(cli, services, options.json ?? false);
  });
  if (options.json) return printJson(cli.terminal, report);
  const { position, entities, seconds } = report;
  printLine(
    cli.terminal,
    `The sums stand at position ${formatCount(BigInt(position))}: ${plural(entities, 'entity', 'entities')} in ${formatDuration(seconds * 1000)}.`,
  );
}

async function skip(cli: Cli, text: string, options: { reason: string; json?: boolean }): Promise<void> {
  if (!/^[1-9][0-9]{0,18}$/.test(text)) throw new UsageError(`"${text}" is no position.`);
  const reason = options.reason.trim();
  if (reason === '' || reason.includes('\0')) throw new UsageError('--reason must say why.');
  const position = BigInt(text);
  const atMs = cli.clock.now();
  await withServices(cli, ({ pool }) =>
    withTransaction(pool, async (client) => {
      await skipPosition(client, LEDGER_PROJECTION, { position, reason, by: LOCAL_ACTOR, atMs });
      const detail = { projection: LEDGER_PROJECTION, position: text, reason };
      await recordAudit(client, { atMs, actor: LOCAL_ACTOR, action: 'projection.skipped', detail });
    }),
  );
  if (options.json) printJson(cli.terminal, { position: text, reason });
  else printLine(cli.terminal, `Position ${text} is left out from now on; the projection goes on by itself.`);
}
