import { configureBuckets } from '@quipu/ledger';
import { type Clock, type Config, loadConfig, type Logger, createLogger, systemClock } from '@quipu/platform';
import { EXIT } from './exit-codes.js';
import { processTerminal, type Terminal } from './terminal.js';

/** What every command works with: where it writes, its environment, its clock, and whether it shall stop. */
export interface Cli {
  readonly terminal: Terminal;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  /** The log of what the command does behind the scenes: silent unless `QUIPU_DEBUG` is set. */
  readonly logger: Logger;
  /** Aborted by the first Ctrl-C or SIGTERM; a command ends in good order and a repetition goes on. */
  readonly interrupted: AbortSignal;
  /** The configuration; read when first asked for, so that `--help` works with a broken one. */
  config(): Config;
}

/** A command that nobody reads has so long to end, ms. */
const UNREAD_MS = 30_000;

/** The command line of this process. The second interrupt ends it at once. */
export function processCli(env: NodeJS.ProcessEnv = process.env): Cli {
  const controller = new AbortController();
  const interrupt = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(signal === 'SIGINT' ? 130 : 143);
    controller.abort(signal);
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  // Where nobody reads any more, a command ends in good order, and what it has started with it.
  process.stdout.on('error', () => {
    if (controller.signal.aborted) return;
    controller.abort('unwritten');
    setTimeout(() => process.exit(EXIT.error), UNREAD_MS).unref();
  });
  let config: Config | undefined;
  return {
    terminal: processTerminal(env),
    env,
    clock: systemClock,
    logger: createLogger('cli', env['QUIPU_DEBUG'] ? 'debug' : 'silent'),
    interrupted: controller.signal,
    config: () => {
      if (config === undefined) configureBuckets((config = loadConfig(env)));
      return config;
    },
  };
}
