import { spawn } from 'node:child_process';
import { closeSync, openSync, renameSync, statSync } from 'node:fs';
import { ServiceStartError } from '../errors.js';
import { tail } from '../os/files.js';
import { describePortHolder } from '../os/ports.js';
import { runAs, type ServiceUser } from './service-user.js';

/** How Postgres and Redis say that somebody else has the port. */
export const CANNOT_BIND = /could not bind|bind: Address already in use|Could not create server TCP/i;

/** What a service sees of our environment: PG* and locale variables of the user's would change its ways. */
export const SERVICE_ENV: NodeJS.ProcessEnv = { PATH: process.env['PATH'], TZ: 'UTC', LC_ALL: 'C' };

const LOG_LIMIT = 20 * 1024 * 1024;

/** How a service process is launched. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  /** Its whole environment; default {@link SERVICE_ENV}. */
  readonly env?: NodeJS.ProcessEnv;
  readonly user: ServiceUser | null;
  /** Receives standard output and error. */
  readonly logFile: string;
}

/** A launched process. */
export interface Launched {
  readonly pid: number;
  /** How it ended; null while it runs. */
  exited(): string | null;
  /** The last lines it has logged since its launch. */
  said(): string;
}

/**
 * Launches a process in a session of its own, so that neither Ctrl-C in a terminal nor the end of this
 * process reaches it. Its log file starts over, keeping one predecessor, when it has grown large.
 * @throws ServiceStartError when it cannot be spawned.
 */
export async function launch(options: Launch): Promise<Launched> {
  if ((statSync(options.logFile, { throwIfNoEntry: false })?.size ?? 0) > LOG_LIMIT) {
    renameSync(options.logFile, `${options.logFile}.1`);
  }
  const logged = statSync(options.logFile, { throwIfNoEntry: false })?.size ?? 0;
  const log = openSync(options.logFile, 'a', 0o600);
  try {
    const child = spawn(options.command, options.args, {
      cwd: '/',
      detached: true,
      stdio: ['ignore', log, log],
      env: options.env ?? SERVICE_ENV,
      ...runAs(options.user),
    });
    await new Promise<void>((done, fail) => {
      child.once('spawn', done);
      child.once('error', (error) =>
        fail(new ServiceStartError(`Cannot run ${options.command}: ${error.message}`, { cause: error })),
      );
    });
    let ending: string | null = null;
    child.once('exit', (code, signal) => {
      ending = signal ? `ended by ${signal}` : `exit code ${code}`;
    });
    child.unref();
    return { pid: child.pid ?? 0, exited: () => ending, said: () => tail(options.logFile, 12, logged) };
  } finally {
    closeSync(log);
  }
}

/** The error for a service that ended instead of coming up, with the last lines it logged. */
export function didNotStart(
  name: string,
  launched: Launched,
  port: number,
  logFile: string,
): ServiceStartError {
  const said = launched.said();
  const holder = CANNOT_BIND.test(said) ? `: ${describePortHolder(port)}` : '';
  return new ServiceStartError(
    `${name} did not start (${launched.exited()})${holder}. Its log ends:\n${said}`,
    {
      hint: `The whole log is ${logFile}.`,
    },
  );
}
