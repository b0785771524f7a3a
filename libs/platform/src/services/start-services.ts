import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Config } from '../config.js';
import { ServiceStartError } from '../errors.js';
import type { Logger } from '../logger.js';
import { withFileLock } from '../os/dir-lock.js';
import { readJsonFile, readOrCreateSecret, writePrivateFile } from '../os/files.js';
import { isAlive } from '../os/processes.js';
import { checkPostgres, checkRedis } from './check-stores.js';
import { Leases } from './leases.js';
import { findPostgres, startPostgres, stopPostgres, type ServerProcess } from './postgres-server.js';
import { findRedis, startRedis, stopRedis } from './redis-server.js';
import { findServiceHome, openServiceHome } from './service-home.js';

/** Postgres and Redis, ready to be used. */
export interface RunningServices {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  /** Pid of the embedded server; absent when a URL was configured. */
  readonly postgresPid: number | undefined;
  readonly redisPid: number | undefined;
  /** Names of the embedded servers that were running before. */
  readonly attached: readonly string[];
  /** Starts again, on the same ports, what has died; answers with the names of those. */
  ensure(): Promise<string[]>;
  /** Gives this user's lease back; the last user stops the embedded servers. */
  stop(): Promise<void>;
}

/** Options of {@link startServices}. */
export interface StartOptions {
  /** The process whose life counts as use of the services; default this one. */
  readonly onBehalfOf?: number;
  /** Ends the waiting; what was launched for this start is stopped again. */
  readonly signal?: AbortSignal;
}

const START_LOCK_MS = 120_000;
const ports = z.object({ postgres: z.number().optional(), redis: z.number().optional() });

/**
 * Makes Postgres and Redis available: the configured ones are checked, for each that is not configured
 * an embedded one is started in the data directory, or attached to when it already runs there.
 * @throws ServiceStartError, StoreUnavailableError with the reason and what to do; the reason of the signal.
 */
export async function startServices(
  config: Pick<Config, 'dataDir' | 'databaseUrl' | 'redisUrl'>,
  log: Logger,
  options: StartOptions = {},
): Promise<RunningServices> {
  const { dataDir, databaseUrl, redisUrl } = config;
  const { signal } = options;
  if (databaseUrl !== undefined) await unlessAborted(checkPostgres(databaseUrl), signal);
  if (redisUrl !== undefined) await unlessAborted(checkRedis(redisUrl, log), signal);
  if (databaseUrl !== undefined && redisUrl !== undefined) {
    const noPids = { postgresPid: undefined, redisPid: undefined };
    const nothing = { attached: [], ensure: () => Promise.resolve([]), stop: () => Promise.resolve() };
    return { databaseUrl, redisUrl, ...noPids, ...nothing };
  }

  const wanted: Wanted = { postgres: databaseUrl === undefined, redis: redisUrl === undefined };
  const place = openServiceHome(dataDir, log);
  const leases = new Leases(dataDir);
  let release: () => void = () => undefined;
  const takeUp = async (): Promise<Servers> => {
    release = leases.take(options.onBehalfOf);
    return startServers(dataDir, place, { wanted, log, signal }).catch(async (error: unknown) => {
      // The one that did come up would otherwise run on without a user.
      release();
      if (!leases.inUse()) await stopServers(place.home, log);
      throw error;
    });
  };
  let servers = await locked(dataDir, takeUp, signal);
  if (servers.redis) await checkRedis(servers.redis.url, log);

  return {
    databaseUrl: databaseUrl ?? urlOf(servers.postgres),
    redisUrl: redisUrl ?? urlOf(servers.redis),
    get postgresPid() {
      return servers.postgres?.pid;
    },
    get redisPid() {
      return servers.redis?.pid;
    },
    attached: namesOf({
      postgres: servers.postgres?.attached ?? false,
      redis: servers.redis?.attached ?? false,
    }),
    async ensure() {
      const dead: Wanted = {
        postgres: servers.postgres !== undefined && !isAlive(servers.postgres.pid),
        redis: servers.redis !== undefined && !isAlive(servers.redis.pid),
      };
      if (!dead.postgres && !dead.redis) return [];
      servers = {
        ...servers,
        ...(await locked(dataDir, () => startServers(dataDir, place, { wanted: dead, log, keepPort: true }))),
      };
      return namesOf(dead);
    },
    stop: () =>
      locked(dataDir, async () => {
        release();
        if (!leases.inUse()) await stopServers(place.home, log);
      }),
  };
}

/** Whether embedded services of this data directory run now. */
export function servicesRunning(dataDir: string): { postgres: boolean; redis: boolean } {
  const home = findServiceHome(dataDir);
  if (home === null) return { postgres: false, redis: false };
  return { postgres: findPostgres(home) !== null, redis: findRedis(home) !== null };
}

/** Process ids of the embedded servers that run on the files in `home`. */
export function servicesIn(home: string): number[] {
  return [findPostgres(home), findRedis(home)].flatMap((server) => (server === null ? [] : [server.pid]));
}

/**
 * Stops the embedded services of a data directory, whoever uses them or only `unlessUsed` by a living
 * process; names those that it stopped.
 */
export async function stopServices(
  dataDir: string,
  log: Logger,
  options: { unlessUsed?: boolean } = {},
): Promise<string[]> {
  const home = findServiceHome(dataDir);
  if (home === null || !existsSync(join(dataDir, 'run'))) return [];
  return locked(dataDir, async () => {
    return options.unlessUsed && new Leases(dataDir).inUse() ? [] : stopServers(home, log);
  });
}

interface Wanted {
  readonly postgres: boolean;
  readonly redis: boolean;
}

interface Servers {
  readonly postgres?: ServerProcess;
  readonly redis?: ServerProcess;
}

function locked<T>(dataDir: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  return withFileLock(join(dataDir, 'run', 'services.lock'), START_LOCK_MS, work, signal);
}

/** The work, given up when the signal says so. @throws the reason of the signal. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  signal.throwIfAborted();
  work.catch(() => undefined);
  return Promise.race([
    work,
    once(signal, 'abort').then((): never => {
      throw signal.reason;
    }),
  ]);
}

interface StartServers {
  readonly wanted: Wanted;
  readonly log: Logger;
  /** Fail rather than take other ports. */
  readonly keepPort?: boolean;
  readonly signal?: AbortSignal | undefined;
}

async function startServers(
  dataDir: string,
  place: ReturnType<typeof openServiceHome>,
  { wanted, log, keepPort = false, signal }: StartServers,
): Promise<Servers> {
  const portsFile = join(dataDir, 'run', 'ports.json');
  const last = ports.safeParse(readJsonFile(portsFile)).data ?? {};
  const options = (name: 'postgres' | 'redis') => ({
    ...{ place, log, keepPort, ...(signal === undefined ? {} : { signal }) },
    password: readOrCreateSecret(join(dataDir, `${name}.password`)),
    ...(last[name] === undefined ? {} : { port: last[name] }),
  });
  const [postgres, redis] = await Promise.all([
    wanted.postgres ? startPostgres(options('postgres')) : undefined,
    wanted.redis ? startRedis(options('redis')) : undefined,
  ]);
  const now = {
    ...last,
    ...(postgres ? { postgres: postgres.port } : {}),
    ...(redis ? { redis: redis.port } : {}),
  };
  writePrivateFile(portsFile, `${JSON.stringify(now)}\n`);
  return { ...(postgres ? { postgres } : {}), ...(redis ? { redis } : {}) };
}

async function stopServers(home: string, log: Logger): Promise<string[]> {
  const postgres = findPostgres(home);
  const redis = findRedis(home);
  const ended = await Promise.all([
    postgres ? stopPostgres(postgres.pid) : true,
    redis ? stopRedis(redis.pid) : true,
  ]);
  if (ended.includes(false))
    throw new ServiceStartError('An embedded server did not end, not even when killed.');
  const stopped = namesOf({ postgres: postgres !== null, redis: redis !== null });
  if (stopped.length > 0) log.info({ stopped }, 'embedded services stopped');
  return stopped;
}

function namesOf(which: Wanted): string[] {
  return [...(which.postgres ? ['Postgres'] : []), ...(which.redis ? ['Redis'] : [])];
}

function urlOf(server: ServerProcess | undefined): string {
  if (!server) throw new ServiceStartError('An embedded server is missing.');
  return server.url;
}
