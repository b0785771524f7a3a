import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { CommandFailedError } from './exit-codes.js';

/** Loaded first, so that it ends when this process does. */
const END_WITH_PARENT = new URL('./end-with-parent.js', import.meta.url).href;
const MOST_DEATHS = 5;
const KILL_AFTER_MS = 20_000;

/** A built program of ours that a command runs. */
export interface CommandProgramOptions {
  readonly name: 'projector' | 'api';
  /** Of node. */
  readonly flags: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Its log is written below. */
  readonly dataDir: string;
}

/** Keeps one of our programs running until the command is over; restarts it when it dies. */
export class CommandProgram {
  private readonly controller = new AbortController();
  /** Aborted, with an error that says what to do, when the program cannot be kept running. */
  readonly broken = this.controller.signal;
  private readonly main: string;
  private child: ChildProcess | undefined;
  private deaths = 0;
  private stopping = false;

  /** @throws CommandFailedError if the program is not built. */
  constructor(private readonly options: CommandProgramOptions) {
    // Where the built program lies, seen from the built CLI.
    this.main = fileURLToPath(new URL(`../../../${options.name}/src/main.js`, import.meta.url));
    if (!existsSync(this.main)) {
      throw new CommandFailedError(`The ${options.name} is not built.`, {
        hint: 'Build it: npm run build.',
      });
    }
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  start(): void {
    const { name, flags, env, dataDir } = this.options;
    const logDirectory = join(dataDir, 'log');
    mkdirSync(logDirectory, { recursive: true });
    const logFile = join(logDirectory, `${name}.log`);
    const log = openSync(logFile, 'a', 0o600);
    const startedAt = Date.now();
    const child = spawn(process.execPath, [...flags, '--import', END_WITH_PARENT, this.main], {
      env,
      stdio: ['pipe', log, log],
      // Ctrl-C reaches a whole process group: the program must outlive the command's last work.
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
          new CommandFailedError(`The ${name} stops as soon as it has started (${how}).`, {
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
