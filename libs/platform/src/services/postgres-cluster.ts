import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chownSync,
  existsSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { ServiceStartError } from '../errors.js';
import { SERVICE_ENV } from './launch.js';
import type { PostgresBinaries } from './postgres-binaries.js';
import type { ServiceHome } from './service-home.js';
import { runAs } from './service-user.js';

/** The role and the database that the embedded Postgres serves. */
export const EMBEDDED_ROLE = 'quipu';
export const EMBEDDED_DATABASE = 'quipu';

/** Settings for a small machine that takes a steady stream of writes; durability is not traded away. */
const SETTINGS = `# Written by Quipu at every start; edit postgresql.conf below its include line instead.
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
shared_buffers = '256MB'
effective_cache_size = '1GB'
work_mem = '16MB'
maintenance_work_mem = '128MB'
fsync = on
synchronous_commit = on
full_page_writes = on
wal_buffers = '16MB'
min_wal_size = '256MB'
max_wal_size = '2GB'
checkpoint_timeout = '15min'
checkpoint_completion_target = 0.9
random_page_cost = 1.1
jit = off
autovacuum_naptime = '20s'
password_encryption = 'scram-sha-256'
timezone = 'UTC'
log_timezone = 'UTC'
log_destination = 'stderr'
logging_collector = off
log_line_prefix = '%m [%p] '
`;

/** Path of the cluster's directory in a service home. */
export function clusterDir(home: string): string {
  return join(home, 'postgres', 'data');
}

/**
 * Makes the cluster if there is none (UTF-8, C locale, password authentication only) and writes the
 * settings. An initdb that was killed half-way leaves nothing that looks like a cluster.
 * @throws ServiceStartError with initdb's own words.
 */
export function prepareCluster(place: ServiceHome, binaries: PostgresBinaries, password: string): void {
  const data = clusterDir(place.home);
  if (!existsSync(join(data, 'PG_VERSION'))) initialise(place, binaries, password);
  writeOwned(place, join(data, 'quipu.conf'), SETTINGS);
}

function initialise(place: ServiceHome, binaries: PostgresBinaries, password: string): void {
  const data = clusterDir(place.home);
  const fresh = join(place.home, 'postgres', 'initialising');
  const passwordFile = join(place.home, 'postgres', 'initialising.password');
  if (existsSync(data) && readdirSync(data).length > 0) {
    throw new ServiceStartError(`${data} is not empty, but holds no database (PG_VERSION is missing).`, {
      hint: 'Restore it, or move it away to begin with an empty database.',
    });
  }
  rmSync(fresh, { recursive: true, force: true });
  writeOwned(place, passwordFile, `${password}\n`);
  try {
    const result = spawnSync(
      binaries.initdb,
      [
        ...['-D', fresh, '-E', 'UTF8', '--locale=C', '-U', EMBEDDED_ROLE],
        ...['--auth=scram-sha-256', `--pwfile=${passwordFile}`, '--no-instructions'],
      ],
      {
        cwd: '/',
        encoding: 'utf8',
        env: SERVICE_ENV,
        ...runAs(place.user),
      },
    );
    if (result.status !== 0) {
      throw new ServiceStartError(`initdb failed: ${(result.stderr ?? '').trim() || result.error?.message}`, {
        hint: `Is there space left at ${place.home}?`,
      });
    }
    appendFileSync(join(fresh, 'postgresql.conf'), "\ninclude = 'quipu.conf'\n");
    renameSync(fresh, data);
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

function writeOwned(place: ServiceHome, path: string, content: string): void {
  writeFileSync(path, content, { mode: 0o600 });
  if (place.user) chownSync(path, place.user.uid, place.user.gid);
}
