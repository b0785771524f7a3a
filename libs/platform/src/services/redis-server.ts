import { chownSync, existsSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { ServiceStartError, errorMessage } from '../errors.js';
import { freePort } from '../os/ports.js';
import { endProcess, findProcesses, isAlive, waitForExit } from '../os/processes.js';
import { CANNOT_BIND, SERVICE_ENV, didNotStart, launch } from './launch.js';
import type { ServerOptions, ServerProcess } from './postgres-server.js';
import { provideRedis } from './redis-binary.js';

/** A long append-only file takes a while to load. */
const LOADING_MS = 10 * 60_000;
/** A server that loads says so at once; one that takes connections and says nothing for so long hangs. */
const SILENT_MS = 30_000;
/** What the client says of a command that got no answer in time. */
const NO_ANSWER = 'Command timed out';
const LAUNCH_ATTEMPTS = 20;

/**
 * Brings up the embedded Redis, or attaches to the one that already serves this data directory. One that takes
 * connections and says nothing for `silentMs` is given up.
 * @throws ServiceStartError with the server's last log lines.
 */
export async function startRedis(
  options: ServerOptions & { readonly silentMs?: number },
): Promise<ServerProcess> {
  const { place, log, password, silentMs = SILENT_MS, signal } = options;
  const asked = { password, silentMs, signal };
  const running = findRedis(place.home);
  if (running) {
    if (await answers({ ...asked, port: running.port }, () => isAlive(running.pid))) {
      log.info({ pid: running.pid, port: running.port }, 'Redis is already running; attached');
      return { ...running, url: urlOf(running.port, password), attached: true };
    }
    await waitForExit(running.pid, 60_000);
  }
  const binary = provideRedis(place, log);
  const logFile = join(place.home, 'redis', 'redis.log');
  let port = options.keepPort && options.port ? options.port : await freePort(options.port);
  for (let attempt = 1; ; attempt += 1) {
    const launched = await launch({
      command: binary.command,
      // The port stands on the command line so that a left-over server can be recognised by it.
      args: [writeSettings(options), '--port', String(port)],
      env: { ...SERVICE_ENV, ...binary.env },
      user: place.user,
      logFile,
    });
    if (await answers({ ...asked, port }, () => launched.exited() === null)) {
      log.info({ pid: launched.pid, port }, 'Redis started');
      return { pid: launched.pid, port, url: urlOf(port, password), attached: false };
    }
    if (!CANNOT_BIND.test(launched.said()) || attempt === LAUNCH_ATTEMPTS) {
      throw didNotStart('Redis', launched, port, logFile);
    }
    await delay(250);
    if (!options.keepPort) port = await freePort();
  }
}

/** The server that serves the data directory in `home`, if one runs. */
export function findRedis(home: string): { pid: number; port: number } | null {
  if (!existsSync(settingsFile(home))) return null;
  const settings = realpathSync(settingsFile(home));
  const found = findProcesses((args) => args[1] === settings && args[2] === '--port')[0];
  return found ? { pid: found.pid, port: Number(found.args[3]) } : null;
}

/** Stops a server; its append-only file is complete. False when it would not end. */
export function stopRedis(pid: number): Promise<boolean> {
  return endProcess(pid, [
    ['SIGTERM', 30_000],
    ['SIGKILL', 5_000],
  ]);
}

function settingsFile(home: string): string {
  return join(home, 'redis', 'redis.conf');
}

function writeSettings(options: ServerOptions): string {
  const { home, user } = options.place;
  const path = settingsFile(home);
  const lines = [
    '# Written by Quipu at every start.',
    'bind 127.0.0.1',
    'protected-mode yes',
    'daemonize no',
    'set-proc-title no',
    `dir ${JSON.stringify(join(realpathSync(home), 'redis'))}`,
    `requirepass ${options.password}`,
    'databases 512',
    // An acknowledged event survives a power cut: the queue is the only place that has it.
    'appendonly yes',
    'appendfsync always',
    'no-appendfsync-on-rewrite no',
    'save ""',
    // BullMQ breaks, and totals go wrong, when Redis drops keys of its own accord.
    'maxmemory-policy noeviction',
    'logfile ""',
    'loglevel notice',
  ];
  writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o600 });
  if (user) chownSync(path, user.uid, user.gid);
  return realpathSync(path);
}

interface Asked {
  readonly port: number;
  readonly password: string;
  readonly silentMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Waits until it answers PING; false when the process ends first. */
async function answers({ port, password, silentMs, signal }: Asked, lives: () => boolean): Promise<boolean> {
  const deadline = Date.now() + LOADING_MS;
  while (lives()) {
    signal?.throwIfAborted();
    const redis = new Redis({
      ...{ host: '127.0.0.1', port, password, lazyConnect: true, connectTimeout: 5_000 },
      ...{ commandTimeout: silentMs, enableReadyCheck: false, maxRetriesPerRequest: 0 },
      retryStrategy: () => null,
    });
    // The password goes first: when that gets no answer, all that `connect` says is that the connection is closed.
    let hangs = false;
    redis.on('error', (error: Error) => (hangs ||= error.message === NO_ANSWER));
    try {
      await redis.connect();
      await redis.ping(); // refused with LOADING until the append-only file is read
      return true;
    } catch (error) {
      if (/WRONGPASS|NOAUTH/.test(errorMessage(error))) {
        throw new ServiceStartError('The embedded Redis does not accept the password in redis.password.', {
          hint: 'Stop that Redis, and start again.',
        });
      }
      hangs ||= errorMessage(error) === NO_ANSWER;
      if (hangs || Date.now() > deadline) {
        const reason = hangs ? `it takes connections and says nothing` : errorMessage(error);
        throw new ServiceStartError(`Redis does not answer: ${reason}.`);
      }
      await delay(25);
    } finally {
      redis.disconnect();
    }
  }
  return false;
}

function urlOf(port: number, password: string): string {
  return `redis://:${password}@127.0.0.1:${port}/0`;
}
