import { copyFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '../logger.js';
import { endProcess, processIdentity } from '../os/processes.js';
import { launch, type Launched } from '../services/launch.js';
import type { RuntimeState } from './runtime-state.js';

/** A program to keep running. */
export interface Program {
  /** Name of its log file and in messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 10_000;
/** A program that has run for this long is healthy: its next death counts as the first. */
const HEALTHY_AFTER_MS = 30_000;
const LOG_LIMIT = 50 * 1024 * 1024;

/**
 * Keeps one program running. States: running; waiting (it died, and `dueMs` is when it is started again,
 * twice as long after each death in a row); stopped. {@link check} moves between them and is called
 * again and again by the supervisor; nothing happens between calls.
 */
export class ProgramKeeper {
  readonly logFile: string;
  /** Deaths in a row, each soon after its start. */
  deaths = 0;
  private restarts = -1;
  private launched: Launched | undefined;
  private identity = '';
  private startedMs = 0;
  private dueMs = 0;
  private lastWords = '';

  constructor(
    private readonly program: Program,
    private readonly env: NodeJS.ProcessEnv,
    dataDir: string,
    private readonly log: Logger,
  ) {
    this.logFile = join(dataDir, 'log', `${program.name}.log`);
  }

  get name(): string {
    return this.program.name;
  }

  /** Starts it if it is due; answers whether anything changed. */
  async check(nowMs: number): Promise<boolean> {
    if (this.launched) {
      if (this.launched.exited() === null) {
        this.trimLog();
        return false;
      }
      this.noteDeath(nowMs, this.launched);
      return true;
    }
    if (nowMs < this.dueMs) return false;
    this.launched = await launch({ ...this.program, env: this.env, user: null, logFile: this.logFile });
    this.identity = processIdentity(this.launched.pid) ?? '';
    this.startedMs = nowMs;
    this.restarts += 1;
    return true;
  }

  /** The last lines it logged since it was last started. */
  said(): string {
    return this.launched?.said() ?? this.lastWords;
  }

  /** Asks it to end, and kills it after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    const pid = this.launched?.pid;
    this.launched = undefined;
    this.dueMs = Number.POSITIVE_INFINITY;
    if (pid === undefined) return;
    const ended = await endProcess(pid, [['SIGTERM', graceMs]]);
    if (ended) return;
    this.log.warn({ program: this.name, pid, graceMs }, 'did not end in time; killed');
    await endProcess(pid, [['SIGKILL', 5_000]]);
  }

  /** What the runtime state says about it; nothing while it is not running. */
  describe(): RuntimeState['programs'] {
    if (!this.launched) return [];
    const { pid } = this.launched;
    return [{ name: this.name, pid, identity: this.identity, restarts: this.restarts }];
  }

  private noteDeath(nowMs: number, dead: Launched): void {
    this.lastWords = dead.said();
    this.deaths = nowMs - this.startedMs > HEALTHY_AFTER_MS ? 1 : this.deaths + 1;
    const wait = Math.min(FIRST_WAIT_MS * 2 ** (this.deaths - 1), LONGEST_WAIT_MS);
    this.dueMs = nowMs + wait;
    this.launched = undefined;
    this.log.error(
      { program: this.name, pid: dead.pid, how: dead.exited(), againInMs: wait, logFile: this.logFile },
      'a program died; it will be started again',
    );
  }

  /** The program holds the file open for appending: its content moves away, the file stays. */
  private trimLog(): void {
    if ((statSync(this.logFile, { throwIfNoEntry: false })?.size ?? 0) < LOG_LIMIT) return;
    copyFileSync(this.logFile, `${this.logFile}.1`);
    truncateSync(this.logFile);
  }
}
