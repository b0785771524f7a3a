import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ServiceStartError } from '../errors.js';
import type { Logger } from '../logger.js';
import { downloadRedis } from './redis-download.js';
import type { ServiceHome } from './service-home.js';
import { runAs, type ServiceUser } from './service-user.js';

/** A Redis (or Valkey) server program that runs here. */
export interface RedisBinary {
  readonly command: string;
  readonly env?: { readonly LD_LIBRARY_PATH: string };
}

/** BullMQ needs 6.2. */
const OLDEST = [6, 2] as const;
const ALSO_IN = [
  '/usr/local/bin',
  '/usr/bin',
  '/usr/sbin',
  '/usr/local/sbin',
  '/opt/homebrew/bin',
  '/snap/bin',
];

/**
 * Finds a Redis server: `redis-server` or `valkey-server` on the PATH; else the distribution's package,
 * downloaded into the service home (Debian and its relatives, no root needed).
 * @throws ServiceStartError with the one command that installs it on this platform.
 */
export function provideRedis(place: ServiceHome, log: Logger, searchIn = searchPath()): RedisBinary {
  const installed = findInstalled(place.user, searchIn);
  if (installed) return installed;
  const reason = downloadRedis(place, log);
  if (typeof reason === 'object' && redisWorks(reason, place.user)) return reason;
  throw new ServiceStartError(
    `No Redis found: neither redis-server nor valkey-server (6.2 or newer) is on the PATH${
      typeof reason === 'string' ? `, and ${reason}` : ''
    }.`,
    { hint: `Install it with: ${installCommand()}   (or set REDIS_URL)` },
  );
}

/** Whether the service user can run the program and it is new enough. */
export function redisWorks(binary: RedisBinary, user: ServiceUser | null): boolean {
  const result = spawnSync(binary.command, ['--version'], {
    cwd: '/',
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], ...binary.env },
    ...runAs(user),
  });
  const version = /\bv=(\d+)\.(\d+)/.exec(result.stdout ?? '');
  if (result.status !== 0 || !version) return false;
  const [major, minor] = [Number(version[1]), Number(version[2])];
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}

function searchPath(): string[] {
  const directories = (process.env['PATH'] ?? '').split(':').filter((entry) => entry.startsWith('/'));
  return [...new Set([...directories, ...ALSO_IN])];
}

function findInstalled(user: ServiceUser | null, searchIn: readonly string[]): RedisBinary | null {
  for (const name of ['redis-server', 'valkey-server']) {
    for (const directory of searchIn) {
      const binary = { command: join(directory, name) };
      if (redisWorks(binary, user)) return binary;
    }
  }
  return null;
}

function installCommand(): string {
  if (process.platform === 'darwin') return 'brew install redis';
  const managers: [program: string, command: string][] = [
    ['apt-get', 'sudo apt-get install redis-server'],
    ['dnf', 'sudo dnf install valkey'],
    ['yum', 'sudo yum install redis'],
    ['apk', 'apk add redis'],
    ['pacman', 'sudo pacman -S valkey'],
    ['zypper', 'sudo zypper install redis'],
  ];
  const found = managers.find(
    ([program]) => spawnSync('/bin/sh', ['-c', `command -v ${program}`]).status === 0,
  );
  return found?.[1] ?? 'your package manager (package redis or valkey)';
}
