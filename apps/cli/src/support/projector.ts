import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Queue } from 'bullmq';
import { type Cli } from './cli.js';
import { CommandFailedError } from './exit-codes.js';
import { countConsumers } from './queue.js';
import { type Services } from './services.js';
import { note } from './terminal.js';

/** Where the built projector lies, seen from the built CLI. */
const MAIN = fileURLToPath(new URL('../../../projector/src/main.js', import.meta.url));

/**
 * How node runs a projector. Without a bound V8 lets the heap grow to a share of the machine's memory before it
 * collects; with this one the process stays under 300 MB, however many events it replays.
 */
export const PROJECTOR_FLAGS: readonly string[] = ['--enable-source-maps', '--max-old-space-size=192'];
/** Loaded first, so that it ends when this process does. */
const END_WITH_PARENT = new URL('./end-with-parent.js', import.meta.url).href;
const MOST_DEATHS = 5;
const KILL_AFTER_MS = 20_000;

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
  if (!existsSync(MAIN)) {
    throw new CommandFailedError('The projector is not built.', { hint: 'Build it: npm run build.' });
  }
  const keeper = new ProjectorKeeper(
    { ...cli.env, DATABASE_URL: services.databaseUrl, REDIS_URL: services.redisUrl, ...env },
    join(services.config.dataDir, 'log'),
  );
  keeper.start();
  services.onClose(() => keeper.stop());
  return keeper;
}

class ProjectorKeeper implements CommandProjector {
  private readonly controller = new AbortController();
  readonly broken = this.controller.signal;
  private child: ChildProcess | undefined;
  private deaths = 0;
  private stopping = false;

  constructor(
    private readonly env: NodeJS.ProcessEnv,
    private readonly logDirectory: string,
  ) {}

  get pid(): number | undefined {
    return this.child?.pid;
  }

  start(): void {
    mkdirSync(this.logDirectory, { recursive: true });
    const logFile = join(this.logDirectory, 'projector.log');
    const log = openSync(logFile, 'a', 0o600);
    const startedAt = Date.now();
    const child = spawn(process.execPath, [...PROJECTOR_FLAGS, '--import', END_WITH_PARENT, MAIN], {
      env: this.env,
      stdio: ['pipe', log, log],
      // Ctrl-C reaches a whole process group: the projector must outlive the command's last work.
      detached: true,
    });
    closeSync(log);
    this.child = child;
    child.once('exit', (code, signal) => {
      if (this.stopping) return;
      this.deaths = Date.now() - startedAt > 30_000 ? 1 : this.deaths + 1;
      if (this.deaths >= MOST_DEATHS) {
        const how = signal ?? `exit code ${code}`;
        this.controller.abort(
          new CommandFailedError(`The projector stops as soon as it has started (${how}).`, {
            hint: `Its log says why: ${logFile}`,
          }),
        );
        return;
      }
      setTimeout(() => !this.stopping && this.start(), 500 * this.deaths);
    });
  }

  async stop(): Promise<void> {
    this.stopping = true;
    const child = this.child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    const killer = new AbortController();
    const kill = sleep(KILL_AFTER_MS, undefined, { signal: killer.signal }).then(
      () => child.kill('SIGKILL'),
      () => undefined,
    );
    await ended;
    killer.abort();
    await kill;
  }
}
