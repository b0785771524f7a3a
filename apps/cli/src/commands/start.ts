import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { bootstrapSuperadmin } from '@quipu/access';
import {
  type Config,
  createPool,
  type PreparedStores,
  type Program,
  type ReadySystem,
  startDetached,
  supervise,
  superadminKeyFile,
} from '@quipu/platform';
import { migrate } from '@quipu/schema';
import { type Cli } from '../support/cli.js';
import { PROJECTOR_FLAGS } from '../support/projector.js';
import { createReadableLogger } from '../support/readable-log.js';
import { note, printJson, printLine, type Terminal } from '../support/terminal.js';

const HELP = `
Brings up Postgres and Redis of its own where DATABASE_URL and REDIS_URL name none, migrates, and keeps the
API and the projector running until Ctrl-C. Settings are environment variables: PORT (8080), HOST
(127.0.0.1), DATABASE_URL, REDIS_URL, QUIPU_DATA_DIR (.quipu), QUIPU_SUPERADMIN_KEY, QUIPU_TENANTS; all of
them are in docs/operations.md.

Examples:
  $ ./quipu start
  $ ./quipu start --detach
  $ PORT=9000 DATABASE_URL=postgres://quipu@db/quipu REDIS_URL=redis://cache ./quipu start
`;

const BUILT = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

const PROGRAMS: readonly Program[] = ['projector', 'api'].map((name) => ({
  name,
  command: process.execPath,
  args: [
    ...(name === 'projector' ? PROJECTOR_FLAGS : ['--enable-source-maps']),
    BUILT(`${name}/src/main.js`),
  ],
}));

/** `start`: runs the whole system. */
export function startCommand(cli: Cli): Command {
  return new Command('start')
    .description('run the whole system: Postgres, Redis, projector, API')
    .option('--detach', 'return as soon as it answers, and leave it running')
    .option('--json', 'print JSON once it answers')
    .addHelpText('after', HELP)
    .action(async (options: { detach?: boolean; json?: boolean }) => {
      const config = cli.config();
      if (options.detach) await startInBackground(cli, config, options.json ?? false);
      else await startInForeground(cli, config, options.json ?? false);
    });
}

async function startInForeground(cli: Cli, config: Config, json: boolean): Promise<void> {
  const log = createReadableLogger(cli.terminal.err, cli.env['QUIPU_DEBUG'] ? 'debug' : 'warn');
  note(cli.terminal, 'Starting …');
  await supervise({
    config,
    log,
    programs: PROGRAMS,
    stop: cli.interrupted,
    prepare: (stores) => prepare(cli, stores),
    onReady: (ready) => {
      if (json) printJson(cli.terminal, ready);
      else printReady(cli.terminal, ready, 'Ctrl-C stops it.');
    },
  });
  note(cli.terminal, 'Stopped.');
}

async function startInBackground(cli: Cli, config: Config, json: boolean): Promise<void> {
  note(cli.terminal, 'Starting …');
  const { state, wasRunning, logFile } = await startDetached({
    config,
    command: process.execPath,
    args: ['--enable-source-maps', BUILT('cli/src/main.js'), 'start'],
    env: cli.env,
  });
  const keyFile = superadminKeyFile(config.dataDir);
  if (json) printJson(cli.terminal, { url: state.url, pid: state.pid, wasRunning, keyFile, logFile });
  else {
    if (wasRunning) printLine(cli.terminal, 'It was running already.');
    printReady(cli.terminal, { url: state.url, keyFile, attached: [] }, '`./quipu stop` stops it.');
  }
}

async function prepare(cli: Cli, stores: PreparedStores): Promise<void> {
  await migrate(stores.databaseUrl, cli.logger);
  const pool = createPool(stores.databaseUrl, { applicationName: 'quipu-start', max: 2 });
  try {
    await bootstrapSuperadmin(pool, stores.superadminKey);
  } finally {
    await pool.end();
  }
}

function printReady(
  terminal: Terminal,
  ready: Pick<ReadySystem, 'url' | 'keyFile' | 'attached'>,
  ending: string,
): void {
  const { bold, dim } = terminal.colours;
  printLine(terminal, `Quipu answers at ${bold(ready.url)}`);
  if (ready.attached.length > 0)
    printLine(terminal, dim(`  with the ${ready.attached.join(' and ')} that was running`));
  printLine(terminal, dim(`  superadmin key: ${ready.keyFile}`));
  printLine(terminal, dim(`  try: ./quipu demo --for 30s, ./quipu usage --by tenant, ./quipu status`));
  printLine(terminal, dim(`  ${ending}`));
}
