import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  createPool,
  createRedis,
  findServiceHome,
  isAlive,
  portHolder,
  runningSupervisor,
  stopSystem,
  superadminKeyFile,
  type RuntimeState,
} from '@quipu/platform';
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { repository } from '../../support/environment.js';
import { removeDirectories, silent, temporaryDirectory } from '../../support/launcher.js';
import { startNode, type Child } from './child-process.js';

const CLI = join(repository, 'dist/apps/cli/src/main.js');

/** What can be killed in a running system. */
export type Victim = 'api' | 'projector' | 'postgres' | 'redis';

/** A whole system as `quipu start --detach` brings it up, in a data directory of its own. */
export interface CrashSystem {
  readonly directory: string;
  readonly pool: Pool;
  readonly redis: Redis;
  /** Runs a command of the built CLI on this system. */
  quipu(...args: string[]): Child;
  /** Process id of what runs now under that name; null while it is being started again. */
  pidOf(victim: Victim): number | null;
  /** What the API answers the superadmin to a GET. */
  get(path: string): Promise<Response>;
  /** The logs of the programs, for the error of a test that fails. */
  readonly logs: () => string;
  /** Stops everything and removes the data directory. */
  remove(): Promise<void>;
}

/** Brings a system up with these settings and waits until its API answers. */
export async function startSystem(env: NodeJS.ProcessEnv = {}): Promise<CrashSystem> {
  const directory = temporaryDirectory();
  const dataDir = join(directory, 'data');
  const quipu = (...args: string[]): Child =>
    startNode(CLI, args, { ...env, QUIPU_DATA_DIR: dataDir, PORT: '0' }, repository);
  try {
    const start = quipu('start', '--detach');
    const { code } = await start.exited;
    if (code !== 0) throw new Error(`quipu start --detach ended with ${code}:\n${start.output()}`);
    const { databaseUrl, redisUrl, url } = running(dataDir);
    if (!databaseUrl || !redisUrl) throw new Error('The supervisor does not say where its stores are.');
    const pool = createPool(databaseUrl, { applicationName: 'quipu-crash' });
    const redis = createRedis(redisUrl, 'plain', 'quipu-crash');
    const headers = {
      'Coopr-UserID': 'admin',
      'Coopr-TenantID': 'superadmin',
      'Coopr-ApiKey': readFileSync(superadminKeyFile(dataDir), 'utf8').trim(),
    };
    return {
      directory,
      pool,
      redis,
      quipu,
      pidOf: (victim) => pidOf(dataDir, victim),
      get: (path) => fetch(`${url}${path}`, { headers, signal: AbortSignal.timeout(30_000) }),
      logs: () => ['supervisor', 'projector', 'api'].map((name) => tailOfLog(dataDir, name)).join('\n'),
      async remove() {
        redis.disconnect();
        await pool.end();
        await removeSystem(dataDir);
      },
    };
  } catch (error) {
    await removeSystem(dataDir);
    throw error;
  }
}

async function removeSystem(dataDir: string): Promise<void> {
  await stopSystem({ dataDir, shutdownSeconds: 5 }, silent);
  await removeDirectories();
}

function running(dataDir: string): RuntimeState {
  const state = runningSupervisor(dataDir);
  if (!state) throw new Error('No supervisor is running.');
  return state;
}

function pidOf(dataDir: string, victim: Victim): number | null {
  const pid =
    victim === 'postgres'
      ? postmaster(dataDir)
      : victim === 'redis'
        ? (portHolder(Number(new URL(running(dataDir).redisUrl ?? '').port))?.pid ?? null)
        : (running(dataDir).programs.find(({ name }) => name === victim)?.pid ?? null);
  return pid !== null && isAlive(pid) ? pid : null;
}

/** The server that accepts connections: its backends die with it, not it with them. */
function postmaster(dataDir: string): number | null {
  try {
    const file = join(findServiceHome(dataDir) ?? dataDir, 'postgres', 'data', 'postmaster.pid');
    return Number.parseInt(readFileSync(file, 'utf8'), 10);
  } catch {
    return null;
  }
}

function tailOfLog(dataDir: string, name: string): string {
  try {
    return `${name}:\n${readFileSync(join(dataDir, 'log', `${name}.log`), 'utf8').slice(-3_000)}`;
  } catch {
    return `${name}: no log`;
  }
}
