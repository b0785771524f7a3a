import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { absolutePaths, type Config } from '../config.js';
import { AlreadyRunningError, ServiceStartError, errorMessage } from '../errors.js';
import type { Logger } from '../logger.js';
import { withFileLock } from '../os/dir-lock.js';
import { freePort, requirePort } from '../os/ports.js';
import { endProcess, processIdentity } from '../os/processes.js';
import { makeDataDir } from '../services/service-home.js';
import { startServices, type RunningServices } from '../services/start-services.js';
import { ProgramKeeper, type Program } from './program-keeper.js';
import {
  clearRuntimeState,
  orphanedSystem,
  runningSupervisor,
  writeRuntimeState,
  type RuntimeState,
} from './runtime-state.js';
import { provideSuperadminKey, superadminKeyFile } from './superadmin-key.js';

/** What {@link supervise} is told. */
export interface SuperviseOptions {
  readonly config: Config;
  readonly log: Logger;
  /** Kept running as processes of their own; the one called `api` answers at `/health/ready`. */
  readonly programs: readonly Program[];
  /** Environment of the programs, before what the supervisor adds; default this process's. */
  readonly env?: NodeJS.ProcessEnv;
  /** Runs once the stores are up and before any program starts: migrations, the superadmin's key. */
  prepare(stores: PreparedStores): Promise<void>;
  /** Called once the API answers. */
  onReady?(ready: ReadySystem): void;
  /** Says that the system shall stop. */
  readonly stop: AbortSignal;
}

/** What `prepare` gets. */
export interface PreparedStores {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly superadminKey: string;
}

/** What `onReady` gets. */
export interface ReadySystem {
  /** Address of the API. */
  readonly url: string;
  /** File that holds the superadmin's key. */
  readonly keyFile: string;
  /** Names of embedded servers that were running before. */
  readonly attached: readonly string[];
  /** Directory of the log files. */
  readonly logDirectory: string;
}

const CHECK_MS = 250;
const READY_MS = 120_000;
const DEATHS_BEFORE_READY = 3;

/**
 * Runs the whole system until `stop` is aborted: brings up Postgres and Redis where none is configured,
 * prepares them, keeps the programs and the embedded servers running, and takes everything down in order
 * (programs first, within `shutdownSeconds`). One supervisor per data directory.
 * @throws AlreadyRunningError with the address of the one that runs; ServiceStartError, StoreUnavailableError
 *   and whatever `prepare` throws when the system cannot be started.
 */
export async function supervise(options: SuperviseOptions): Promise<void> {
  const { config, log } = options;
  makeDataDir(config.dataDir);
  const state = await claim(config);
  let services: RunningServices | undefined;
  let reviving: Promise<void> | undefined;
  const keepers: ProgramKeeper[] = [];
  try {
    services = await startServices(config, log, { signal: options.stop }).catch((error: unknown) => {
      if (options.stop.aborted) return undefined;
      throw error;
    });
    if (services === undefined) return;
    const superadminKey = provideSuperadminKey(config);
    const { databaseUrl, redisUrl, attached } = services;
    await options.prepare({ databaseUrl, redisUrl, superadminKey });
    Object.assign(state, { databaseUrl, redisUrl });
    const env = {
      ...(options.env ?? process.env),
      DATABASE_URL: databaseUrl,
      REDIS_URL: redisUrl,
      QUIPU_SUPERADMIN_KEY: superadminKey,
      ...absolutePaths(config),
      HOST: config.host,
      PORT: new URL(state.url).port || '80',
    };
    keepers.push(...options.programs.map((program) => new ProgramKeeper(program, env, config.dataDir, log)));

    await untilReady(options, state, keepers);
    if (!options.stop.aborted) {
      note(config, state, keepers, 'ready');
      options.onReady?.({
        url: state.url,
        keyFile: superadminKeyFile(config.dataDir),
        attached,
        logDirectory: join(config.dataDir, 'log'),
      });
    }
    while (!options.stop.aborted) {
      if (await checkAll(keepers)) note(config, state, keepers, 'ready');
      // Replaying a long write-ahead log takes minutes: programs are watched, and a stop heard, meanwhile.
      reviving ??= revive(services, log).finally(() => (reviving = undefined));
      await delay(CHECK_MS, undefined, { signal: options.stop }).catch(() => undefined);
    }
  } finally {
    note(config, state, keepers, 'stopping');
    await Promise.all(keepers.map((keeper) => keeper.stop(config.shutdownSeconds * 1000)));
    await services?.stop();
    clearRuntimeState(config.dataDir);
  }
}

/** Makes this process the supervisor of the data directory, after the remains of a killed one are gone. */
function claim(config: Config): Promise<RuntimeState> {
  return withFileLock(join(config.dataDir, 'run', 'start.lock'), 60_000, async () => {
    const running = runningSupervisor(config.dataDir);
    if (running) {
      const where =
        running.phase === 'ready' ? `is already running at ${running.url}` : `is ${running.phase}`;
      throw new AlreadyRunningError(`Quipu ${where} (process ${running.pid}, data in ${config.dataDir}).`, {
        hint: 'Stop it with ./quipu stop, or choose another QUIPU_DATA_DIR.',
      });
    }
    await endOrphans(config.dataDir, config.shutdownSeconds * 1000);
    if (config.port !== 0) await requirePort(config.port, config.host);
    const port = config.port === 0 ? await freePort(undefined, config.host) : config.port;
    const state: RuntimeState = {
      pid: process.pid,
      identity: processIdentity(process.pid) ?? '',
      phase: 'starting',
      startedMs: Date.now(),
      url: `http://${reachableHost(config.host)}:${port}`,
      programs: [],
    };
    writeRuntimeState(config.dataDir, state);
    return state;
  });
}

/**
 * Ends the programs of a supervisor that was killed: they would hold the port, and nobody watches them.
 * They get `graceMs` before they are killed. Answers with their names.
 */
export async function endOrphans(dataDir: string, graceMs: number): Promise<string[]> {
  const orphans = orphanedSystem(dataDir)?.programs ?? [];
  await Promise.all(
    orphans.map(({ pid }) =>
      endProcess(pid, [
        ['SIGTERM', graceMs],
        ['SIGKILL', 5_000],
      ]),
    ),
  );
  return orphans.map(({ name }) => name);
}

async function untilReady(
  { config, programs, stop }: SuperviseOptions,
  state: RuntimeState,
  keepers: readonly ProgramKeeper[],
): Promise<void> {
  const deadline = Date.now() + READY_MS;
  const hasApi = programs.some(({ name }) => name === 'api');
  for (;;) {
    if (await checkAll(keepers)) note(config, state, keepers, 'starting');
    if (stop.aborted) return;
    const broken = keepers.find((keeper) => keeper.deaths >= DEATHS_BEFORE_READY);
    if (broken) throw didNotStart(broken, 'ends as soon as it has started');
    if (!hasApi || (await answersReady(state.url))) return;
    if (Date.now() > deadline) {
      const silent = keepers.find(({ name }) => name === 'api') ?? keepers[0];
      if (silent) throw didNotStart(silent, `did not get ready within ${READY_MS / 1000} s`);
    }
    await delay(50);
  }
}

function didNotStart(keeper: ProgramKeeper, what: string): ServiceStartError {
  return new ServiceStartError(`The ${keeper.name} ${what}. Its log ends:\n${keeper.said()}`, {
    hint: `The whole log is ${keeper.logFile}.`,
  });
}

async function checkAll(keepers: readonly ProgramKeeper[]): Promise<boolean> {
  const changes = await Promise.all(keepers.map((keeper) => keeper.check(Date.now())));
  return changes.includes(true);
}

async function revive(services: RunningServices, log: Logger): Promise<void> {
  try {
    const revived = await services.ensure();
    if (revived.length > 0) log.error({ revived }, 'embedded servers had died; started again');
  } catch (error) {
    // The programs answer for themselves meanwhile; the next round tries again.
    log.error({ reason: errorMessage(error) }, 'an embedded server died and does not start again');
  }
}

async function answersReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(5_000) })).ok;
  } catch {
    return false;
  }
}

function note(
  config: Config,
  state: RuntimeState,
  keepers: readonly ProgramKeeper[],
  phase: RuntimeState['phase'],
): void {
  state.phase = phase;
  state.programs = keepers.flatMap((keeper) => keeper.describe());
  writeRuntimeState(config.dataDir, state);
}

/** An address to connect to for one to listen on. */
function reachableHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
