import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config.js';
import type { Logger } from '../logger.js';
import { withFileLock } from '../os/dir-lock.js';
import { endProcess } from '../os/processes.js';
import { servicesRunning, stopServices } from '../services/start-services.js';
import { clearRuntimeState, runningSupervisor } from './runtime-state.js';
import { endOrphans } from './supervise.js';

/** What {@link stopSystem} found and did. */
export interface StoppedSystem {
  /** Whether a supervisor was running. */
  readonly wasRunning: boolean;
  /** Programs of a killed supervisor that were still there. */
  readonly orphans: readonly string[];
  /** Embedded servers stopped beyond those that the supervisor stopped itself. */
  readonly services: readonly string[];
  /** Whether embedded servers stay up because another command uses them; that command stops them. */
  readonly stillUsed: boolean;
}

/**
 * Stops the system of a data directory in good order, including what a killed supervisor left behind.
 * Repeating it does nothing.
 */
export async function stopSystem(
  config: Pick<Config, 'dataDir' | 'shutdownSeconds'>,
  log: Logger,
): Promise<StoppedSystem> {
  const { dataDir } = config;
  if (!existsSync(join(dataDir, 'run')))
    return { wasRunning: false, orphans: [], services: [], stillUsed: false };
  const running = runningSupervisor(dataDir);
  if (running) {
    // Programs get their time, then the servers theirs.
    const patience = config.shutdownSeconds * 1000 + 60_000;
    await endProcess(running.pid, [
      ['SIGTERM', patience],
      ['SIGKILL', 5_000],
    ]);
  }
  return withFileLock(join(dataDir, 'run', 'start.lock'), 60_000, async () => {
    // Somebody may have started it again in the meantime: that one is not ours to touch.
    const restarted = runningSupervisor(dataDir) !== null;
    const orphans = restarted ? [] : await endOrphans(dataDir, config.shutdownSeconds * 1000);
    if (!restarted) clearRuntimeState(dataDir);
    const services = await stopServices(dataDir, log, { unlessUsed: true });
    const left = servicesRunning(dataDir);
    return { wasRunning: running !== null, orphans, services, stillUsed: left.postgres || left.redis };
  });
}
