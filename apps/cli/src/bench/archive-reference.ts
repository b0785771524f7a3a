import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '@quipu/platform';
import { CommandFailedError } from '../support/exit-codes.js';
import type { MeasuredArchive } from './archive-workload.js';
import type { Stage } from './stage.js';

/** The programs of Gnocchi, and what serves its API. */
const UPGRADE = 'gnocchi-upgrade';
const METRICD = 'gnocchi-metricd';
const SERVER = 'uwsgi_python3';

const STARTS_WITHIN_MS = 60_000;

/**
 * Starts the real Gnocchi on a stage as its published figures were taken: files as storage, Postgres as indexer, three
 * processes with two threads for its API, two workers. Null where its programs are not on the PATH.
 */
export async function runReference(stage: Stage, env: NodeJS.ProcessEnv): Promise<MeasuredArchive | null> {
  const [upgrade, metricd, server] = [UPGRADE, METRICD, SERVER].map((name) => onPath(name, env));
  if (!upgrade || !metricd || !server) return null;
  const config = writeConfig(stage);
  await promisify(execFile)(upgrade, ['--config-file', config], { env });
  const port = await freePort();
  const children = [
    spawn(metricd, ['--config-file', config], { env, stdio: 'ignore', detached: true }),
    spawn(
      server,
      [
        ...['--http-socket', `127.0.0.1:${port}`, '--master', '--enable-threads', '--lazy-apps'],
        ...[
          '--thunder-lock',
          '--die-on-term',
          '--processes',
          '3',
          '--threads',
          '2',
          '--buffer-size',
          '65535',
        ],
        ...['--wsgi', 'gnocchi.rest.wsgi', '--pyargv', `--config-file ${config}`],
      ],
      { env, stdio: 'ignore', detached: true },
    ),
  ];
  stage.services.onClose(() => Promise.all(children.map(end)));
  const url = `http://127.0.0.1:${port}`;
  await answering(url);
  return {
    address: { url, user: 'admin', password: 'admin', keepAlive: false },
    settled: async (client) => {
      while ((await client.toProcess()) > 0) await sleep(20);
    },
  };
}

function onPath(name: string, env: NodeJS.ProcessEnv): string | null {
  for (const directory of (env['PATH'] ?? '').split(delimiter)) {
    const path = join(directory, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this directory.
    }
  }
  return null;
}

function writeConfig({ services, directory }: Stage): string {
  const files = join(directory, 'gnocchi');
  mkdirSync(files, { recursive: true });
  const config = join(directory, 'gnocchi.conf');
  writeFileSync(
    config,
    [
      ...['[DEFAULT]', `coordination_url = ${services.redisUrl}`],
      ...['[api]', 'auth_mode = basic'],
      ...['[indexer]', `url = ${services.databaseUrl.replace(/^postgres:/, 'postgresql:')}`],
      ...['[incoming]', 'driver = file', `file_basepath = ${files}`],
      ...['[storage]', 'driver = file', `file_basepath = ${files}`],
      // Its default of a minute would be all that is measured.
      ...['[metricd]', 'workers = 2', 'metric_processing_delay = 1', ''],
    ].join('\n'),
  );
  return config;
}

async function answering(url: string): Promise<void> {
  const deadline = performance.now() + STARTS_WITHIN_MS;
  for (;;) {
    try {
      if ((await fetch(`${url}/healthcheck`)).ok) return;
    } catch (error) {
      if (performance.now() > deadline) {
        throw new CommandFailedError('The installed Gnocchi does not answer.', { cause: error });
      }
    }
    if (performance.now() > deadline) throw new CommandFailedError('The installed Gnocchi is not healthy.');
    await sleep(100);
  }
}

/** The whole group: both programs have children. */
async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  process.kill(-child.pid, 'SIGTERM');
  await Promise.race([gone, sleep(10_000)]);
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Nobody of it is left.
  }
}
