import { type Queue } from 'bullmq';
import { type Cli } from './cli.js';
import { CommandProgram } from './command-program.js';
import { countConsumers } from './queue.js';
import { type Services } from './services.js';
import { note } from './terminal.js';

/**
 * How node runs a projector: under 300 MB, however many events it replays. Without the first bound V8 lets the heap
 * grow to a share of the machine's memory. With it alone, V8 collects the whole heap once per batch, which costs as
 * much as folding: so the heap may grow to two and a half times what lives, and a batch dies young.
 */
export const PROJECTOR_FLAGS: readonly string[] = [
  '--enable-source-maps',
  '--max-old-space-size=192',
  '--heap-growing-percent=150',
  '--min-semi-space-size=32',
  '--max-semi-space-size=32',
];

/** A projector that lives as long as a command. */
export interface CommandProjector {
  /** Aborted, with an error that says what to do, when the projector cannot be kept running. */
  readonly broken: AbortSignal;
  readonly pid: number | undefined;
}

/**
 * Makes sure that somebody takes events from the queue: if nobody does, a projector runs until the command
 * is over.
 */
export async function ensureProjector(cli: Cli, services: Services, queue: Queue): Promise<CommandProjector> {
  if ((await countConsumers(queue, services.redisUrl)) > 0)
    return { broken: new AbortController().signal, pid: undefined };
  note(cli.terminal, 'No projector is running: one runs for the time of this command.');
  return runProjector(cli, services);
}

/** Runs a projector of one's own until the command is over; restarts it when it dies. */
export function runProjector(cli: Cli, services: Services, env: NodeJS.ProcessEnv = {}): CommandProjector {
  const keeper = new CommandProgram({
    name: 'projector',
    flags: PROJECTOR_FLAGS,
    env: { ...cli.env, DATABASE_URL: services.databaseUrl, REDIS_URL: services.redisUrl, ...env },
    dataDir: services.config.dataDir,
  });
  keeper.start();
  services.onClose(() => keeper.stop());
  return keeper;
}
