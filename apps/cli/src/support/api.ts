import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@quipu/platform';
import { type Cli } from './cli.js';
import { CommandProgram } from './command-program.js';
import { type Services } from './services.js';

/** An API that lives as long as a command. */
export interface CommandApi {
  readonly url: string;
  /** Aborted, with an error that says what to do, when the API cannot be kept running. */
  readonly broken: AbortSignal;
}

/** Runs an API of one's own, on a free port of this machine, until the command is over; returns once it answers. */
export async function runApi(cli: Cli, services: Services, env: NodeJS.ProcessEnv = {}): Promise<CommandApi> {
  const port = await freePort();
  const keeper = new CommandProgram({
    name: 'api',
    flags: ['--enable-source-maps'],
    env: {
      ...cli.env,
      ...{ DATABASE_URL: services.databaseUrl, REDIS_URL: services.redisUrl },
      ...{ HOST: '127.0.0.1', PORT: String(port), ...env },
    },
    dataDir: services.config.dataDir,
  });
  keeper.start();
  services.onClose(() => keeper.stop());
  const url = `http://127.0.0.1:${port}`;
  while (!(await answers(`${url}/health/live`))) {
    keeper.broken.throwIfAborted();
    cli.interrupted.throwIfAborted();
    await sleep(50);
  }
  return { url, broken: keeper.broken };
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}
