import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { absolutePaths, type Config } from '../config.js';
import { ServiceStartError } from '../errors.js';
import { launch } from '../services/launch.js';
import { makeDataDir } from '../services/service-home.js';
import { runningSupervisor, type RuntimeState } from './runtime-state.js';

/** What {@link startDetached} is told. */
export interface DetachOptions {
  readonly config: Config;
  /** A command line that calls `supervise` on the same data directory. */
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** How a detached start ended. */
export interface DetachedSystem {
  readonly state: RuntimeState;
  /** True when another supervisor was running already. */
  readonly wasRunning: boolean;
  /** What the supervisor itself logs. */
  readonly logFile: string;
}

/**
 * Starts a supervisor that outlives this process, and answers once its API does. One that runs already is
 * waited for in the same way.
 * @throws ServiceStartError with what the supervisor said when it ended instead.
 */
export async function startDetached(options: DetachOptions): Promise<DetachedSystem> {
  const { dataDir } = options.config;
  const logFile = join(dataDir, 'log', 'supervisor.log');
  if (runningSupervisor(dataDir)) {
    const state = await untilReady(dataDir, () => runningSupervisor(dataDir) !== null);
    if (state) return { state, wasRunning: true, logFile };
  }
  makeDataDir(dataDir);
  const launched = await launch({
    command: options.command,
    args: options.args,
    env: { ...(options.env ?? process.env), ...absolutePaths(options.config) },
    user: null,
    logFile,
  });
  const state = await untilReady(dataDir, () => launched.exited() === null);
  if (state) return { state, wasRunning: state.pid !== launched.pid, logFile };
  // Another start was faster: ours ended because of it, and that one is under way.
  const other = await untilReady(dataDir, () => runningSupervisor(dataDir) !== null);
  if (other) return { state: other, wasRunning: true, logFile };
  throw new ServiceStartError(`Quipu did not start.\n${launched.said()}`, {
    hint: `The whole log is ${logFile}.`,
  });
}

async function untilReady(dataDir: string, lives: () => boolean): Promise<RuntimeState | null> {
  while (lives()) {
    const state = runningSupervisor(dataDir);
    if (state?.phase === 'ready') return state;
    await delay(50);
  }
  return null;
}
