import { existsSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { ServiceStartError, errorMessage } from '../errors.js';
import type { Logger } from '../logger.js';
import { freePort } from '../os/ports.js';
import { endProcess, findProcesses, isAlive, waitForExit } from '../os/processes.js';
import { CANNOT_BIND, didNotStart, launch } from './launch.js';
import { providePostgresBinaries } from './postgres-binaries.js';
import { clusterDir, EMBEDDED_DATABASE, EMBEDDED_ROLE, prepareCluster } from './postgres-cluster.js';
import type { ServiceHome } from './service-home.js';

/** A server process that answers. */
export interface ServerProcess {
  readonly pid: number;
  readonly port: number;
  readonly url: string;
  /** True when it was running before. */
  readonly attached: boolean;
}

/** What a server needs to know from earlier starts. */
export interface ServerOptions {
  readonly place: ServiceHome;
  readonly password: string;
  /** The port of the last time. */
  readonly port?: number;
  /** Fail rather than take another port: others hold the URL already. */
  readonly keepPort?: boolean;
  readonly log: Logger;
  /** Ends the waiting for an answer; what was launched is the caller's to stop. */
  readonly signal?: AbortSignal;
}

/** A cluster after a crash may replay a lot of WAL before it answers. */
const RECOVERY_MS = 10 * 60_000;
const LAUNCH_ATTEMPTS = 40;

/**
 * Brings up the embedded Postgres, or attaches to the one that already serves this cluster (its starter
 * may have been killed). Files that a killed server left behind are dealt with.
 * @throws ServiceStartError with the server's last log lines.
 */
export async function startPostgres(options: ServerOptions): Promise<ServerProcess> {
  const { place, log } = options;
  const running = findPostgres(place.home);
  if (running) {
    if (await usable(running.pid, running.port, options)) {
      log.info({ pid: running.pid, port: running.port }, 'Postgres is already running; attached');
      return { ...running, url: urlOf(running.port, options.password), attached: true };
    }
    // It was told to stop by somebody else: its successor must wait for its end.
    await waitForExit(running.pid, 60_000);
  }
  const binaries = providePostgresBinaries(place);
  prepareCluster(place, binaries, options.password);
  clearStaleLockFile(place.home);
  let port = await choosePort(options, options.port);
  const logFile = join(place.home, 'postgres', 'postgres.log');
  for (let attempt = 1; ; attempt += 1) {
    const launched = await launch({
      command: binaries.postgres,
      args: ['-D', realpathSync(clusterDir(place.home)), '-p', String(port)],
      user: place.user,
      logFile,
    });
    if (await answers(port, options, () => launched.exited() === null)) {
      await ensureDatabase(port, options.password);
      log.info({ pid: launched.pid, port }, 'Postgres started');
      return { pid: launched.pid, port, url: urlOf(port, options.password), attached: false };
    }
    const said = launched.said();
    // The children of a killed postmaster hold its shared memory for a moment.
    const passes = /pre-existing shared memory|already exists/.test(said) || CANNOT_BIND.test(said);
    if (!passes || attempt === LAUNCH_ATTEMPTS) throw didNotStart('Postgres', launched, port, logFile);
    await delay(250);
    clearStaleLockFile(place.home);
    if (CANNOT_BIND.test(said)) port = await choosePort(options, undefined);
  }
}

/** The server that serves the cluster of `home`, if one runs. */
export function findPostgres(home: string): { pid: number; port: number } | null {
  if (!existsSync(clusterDir(home))) return null;
  const data = realpathSync(clusterDir(home));
  const found = findProcesses((args) => {
    const at = args.indexOf('-D');
    return at > 0 && args[at + 1] === data && args.includes('-p');
  })[0];
  if (!found) return null;
  return { pid: found.pid, port: Number(found.args[found.args.indexOf('-p') + 1]) };
}

/** Stops a server: sessions are cut, everything committed is on disk. False when it would not end. */
export function stopPostgres(pid: number): Promise<boolean> {
  return endProcess(pid, [
    ['SIGINT', 30_000],
    ['SIGQUIT', 10_000],
    ['SIGKILL', 5_000],
  ]);
}

async function choosePort(options: ServerOptions, preferred: number | undefined): Promise<number> {
  if (options.keepPort && options.port !== undefined) return options.port;
  const port = await freePort(preferred);
  if (preferred !== undefined && port !== preferred) {
    options.log.warn({ was: preferred, now: port }, 'the port of the last start is taken; chose another');
  }
  return port;
}

/**
 * Postgres refuses to start when the pid in a left-over postmaster.pid belongs to any living process, or
 * to a zombie. findPostgres has found no server on this cluster, so that pid is somebody else's.
 */
function clearStaleLockFile(home: string): void {
  if (findPostgres(home) === null) rmSync(join(clusterDir(home), 'postmaster.pid'), { force: true });
}

async function usable(pid: number, port: number, options: ServerOptions): Promise<boolean> {
  const status = readStatus(options.place.home);
  if (status === 'stopping') return false;
  return answers(port, options, () => isAlive(pid));
}

function readStatus(home: string): string | undefined {
  try {
    return readFileSync(join(clusterDir(home), 'postmaster.pid'), 'utf8')
      .split('\n')[7]
      ?.trim();
  } catch {
    return undefined;
  }
}

/** Waits until a connection succeeds; false when the process ends first. */
async function answers(
  port: number,
  { password, signal }: ServerOptions,
  lives: () => boolean,
): Promise<boolean> {
  const deadline = Date.now() + RECOVERY_MS;
  while (lives()) {
    signal?.throwIfAborted();
    try {
      await withClient(port, password, 'postgres', (client) => client.query('SELECT 1'));
      return true;
    } catch (error) {
      if ((error as { code?: string }).code === '28P01') {
        throw new ServiceStartError(
          'The embedded Postgres does not accept the password in postgres.password.',
          {
            hint: 'Restore that file, or move the data directory away to begin anew.',
          },
        );
      }
      if (Date.now() > deadline)
        throw new ServiceStartError(`Postgres does not answer: ${errorMessage(error)}`);
      await delay(40);
    }
  }
  return false;
}

async function ensureDatabase(port: number, password: string): Promise<void> {
  await withClient(port, password, 'postgres', async (client) => {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [
      EMBEDDED_DATABASE,
    ]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${EMBEDDED_DATABASE}`);
  });
}

async function withClient<T>(
  port: number,
  password: string,
  database: string,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({
    ...{ host: '127.0.0.1', port, user: EMBEDDED_ROLE, password, database },
    connectionTimeoutMillis: 5_000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

function urlOf(port: number, password: string): string {
  return `postgres://${EMBEDDED_ROLE}:${password}@127.0.0.1:${port}/${EMBEDDED_DATABASE}`;
}
