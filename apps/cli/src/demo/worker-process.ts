import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CommandFailedError } from '../support/exit-codes.js';

const MAIN = fileURLToPath(new URL('../../../worker/src/main.js', import.meta.url));
/** Loaded first, so that it ends when this process does. */
const END_WITH_PARENT = new URL('../support/end-with-parent.js', import.meta.url).href;
const FLAGS = ['--enable-source-maps', '--max-old-space-size=96', '--import', END_WITH_PARENT];
/** Seconds a worker takes at most to finish its jobs or give them back. */
export const SHUTDOWN_SECONDS = 2;
/** One that has not ended by then hangs. */
const KILL_AFTER_MS = SHUTDOWN_SECONDS * 1_000 + 1_000;
const RESTART_AFTER_MS = 700;
const MOST_DEATHS = 5;

/** What becomes of a worker's process. */
export interface WorkerEvents {
  readonly onStart: () => void;
  readonly onEnd: () => void;
  /** It does not stay up. */
  readonly onBroken: (error: Error) => void;
}

const living = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

/** A worker of the demo: a real process that is started again whatever ends it, until it is told to stop. */
export class WorkerProcess {
  private child: ChildProcess | undefined;
  private stopping = false;
  private deaths = 0;
  private restart: NodeJS.Timeout | undefined;

  /**
   * @param logFile what it says goes there.
   * @throws CommandFailedError if the worker is not built.
   */
  constructor(
    private readonly env: NodeJS.ProcessEnv,
    private readonly logFile: string,
    private readonly events: WorkerEvents,
  ) {
    if (!existsSync(MAIN)) {
      throw new CommandFailedError('The worker is not built.', { hint: 'Build it: npm run build.' });
    }
  }

  /** Whether there is a process. */
  get running(): boolean {
    return this.child !== undefined;
  }

  start(): void {
    const log = openSync(this.logFile, 'a', 0o600);
    const child = spawn(process.execPath, [...FLAGS, MAIN], {
      env: { ...this.env, QUIPU_SHUTDOWN_SECONDS: String(SHUTDOWN_SECONDS) },
      stdio: ['pipe', log, log],
      // Ctrl-C reaches a whole process group: workers end when the demo says so, after their jobs.
      detached: true,
    });
    closeSync(log);
    this.child = child;
    living.add(child);
    this.events.onStart();
    child.once('error', (error) => this.events.onBroken(error));
    child.once('exit', (code) => {
      living.delete(child);
      this.child = undefined;
      this.events.onEnd();
      if (this.stopping) return;
      this.deaths = code === null || code === 0 ? 0 : this.deaths + 1;
      if (this.deaths >= MOST_DEATHS) {
        this.events.onBroken(
          new CommandFailedError('The workers of the demo do not stay up.', {
            hint: `Their log says why: ${this.logFile}`,
          }),
        );
        return;
      }
      this.restart = setTimeout(() => this.start(), RESTART_AFTER_MS);
    });
  }

  /** Kills it: no goodbye, and its jobs are left to their locks. */
  kill(): void {
    this.child?.kill('SIGKILL');
  }

  /** Lets it end as it should, and come back. */
  cycle(): void {
    this.child?.kill('SIGTERM');
  }

  /** Holds it for a while, as a machine does that hangs. */
  freeze(ms: number): void {
    const { child } = this;
    if (child?.pid === undefined) return;
    // Somebody else thaws it: a frozen process cannot see that this one was killed, and would stay for ever.
    const script = `sleep ${(ms / 1_000).toFixed(1)}; kill -CONT ${child.pid}`;
    spawn('sh', ['-c', script], { stdio: 'ignore', detached: true }).unref();
    child.kill('SIGSTOP');
  }

  /** Ends it for good: politely, then by force. */
  async stop(): Promise<void> {
    this.stopping = true;
    clearTimeout(this.restart);
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
    await ended;
    clearTimeout(force);
  }
}
