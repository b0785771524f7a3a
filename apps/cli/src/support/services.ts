import { LogArchive } from '@quipu/event-log';
import {
  type Config,
  createPool,
  type RunningServices,
  SchemaOutdatedError,
  servicesRunning,
  startServices,
  WRITER_SESSION,
} from '@quipu/platform';
import { migrate, pendingMigrations } from '@quipu/schema';
import { type Pool } from 'pg';
import { type Cli } from './cli.js';
import { InterruptedError } from './exit-codes.js';
import { note } from './terminal.js';

/** Postgres and Redis as a command uses them. */
export interface Services {
  readonly config: Config;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly pool: Pool;
  /** Archived parts of the log. */
  readonly archive: LogArchive;
  /** Has something done when the command is over; the last to come is done first. */
  onClose(work: () => Promise<unknown>): void;
}

/**
 * Runs a command's work with the services: those that are configured or already running, else ones that are
 * started and live as long as the command. The schema of embedded ones is brought up to date.
 * @throws SchemaOutdatedError when a configured database lacks migrations.
 */
export async function withServices<T>(cli: Cli, work: (services: Services) => Promise<T>): Promise<T> {
  const config = cli.config();
  const closing: (() => Promise<unknown>)[] = [];
  try {
    const running = await start(cli, config);
    closing.push(() => running.stop());
    await bringUpToDate(cli, config, running);
    const pool = createPool(running.databaseUrl, { applicationName: 'quipu-cli', session: WRITER_SESSION });
    closing.push(() => pool.end());
    const { databaseUrl, redisUrl } = running;
    return await work({
      config,
      databaseUrl,
      redisUrl,
      pool,
      archive: new LogArchive(config.archiveDir),
      onClose: (closer) => closing.push(closer),
    });
  } finally {
    for (const close of closing.reverse()) {
      // What failed before matters more than a connection that cannot be closed properly.
      await close().catch((error: unknown) => cli.logger.warn({ err: error }, 'closing failed'));
    }
  }
}

async function start(cli: Cli, config: Config): Promise<RunningServices> {
  const running = servicesRunning(config.dataDir);
  const missing = [
    ...(config.databaseUrl === undefined && !running.postgres ? ['Postgres'] : []),
    ...(config.redisUrl === undefined && !running.redis ? ['Redis'] : []),
  ];
  if (missing.length > 0) {
    note(
      cli.terminal,
      `Starting ${missing.join(' and ')} for the time of this command (\`./quipu start\` keeps them running).`,
    );
  }
  return startServices(config, cli.logger, { signal: cli.interrupted }).catch((error: unknown) => {
    if (!cli.interrupted.aborted) throw error;
    note(cli.terminal, 'Interrupted while waiting for Postgres and Redis. Nothing was done.');
    throw new InterruptedError('Interrupted.');
  });
}

async function bringUpToDate(cli: Cli, config: Config, running: RunningServices): Promise<void> {
  const pending = await pendingMigrations(running.databaseUrl);
  if (pending.length === 0) return;
  if (config.databaseUrl !== undefined) {
    throw new SchemaOutdatedError(`The database lacks ${pending.length} migrations.`, {
      hint: 'Run `./quipu migrate` (make a backup first if it holds anything).',
    });
  }
  await migrate(running.databaseUrl, cli.logger);
}
