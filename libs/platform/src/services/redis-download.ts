import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Logger } from '../logger.js';
import type { RedisBinary } from './redis-binary.js';
import type { ServiceHome } from './service-home.js';

const PACKAGES = ['redis-server', 'redis-tools'];
const TIMEOUT_MS = 120_000;

/**
 * Downloads redis-server and the libraries it lacks from the distribution's archive and unpacks them under
 * the service home. Needs apt and dpkg, no root. Returns what to run, or why it could not be had.
 */
export function downloadRedis(place: ServiceHome, log: Logger): RedisBinary | string {
  const unpacked = join(place.home, 'redis-package');
  if (!existsSync(unpacked)) {
    if (!available('apt-get') || !available('dpkg')) return 'this system has no apt to download it with';
    log.info('no Redis server on the PATH; downloading the distribution’s package');
    const failure = fetchInto(unpacked);
    if (failure) return `downloading it failed: ${failure}`;
  }
  const command = join(unpacked, 'usr', 'bin', 'redis-server');
  const libraries = libraryDirs(unpacked);
  return libraries.length > 0 ? { command, env: { LD_LIBRARY_PATH: libraries.join(':') } } : { command };
}

/** Null when done; else the reason. The directory appears whole or not at all. */
function fetchInto(unpacked: string): string | null {
  const partial = `${unpacked}.partial`;
  rmSync(partial, { recursive: true, force: true });
  const debs = join(partial, 'debs');
  mkdirSync(debs, { recursive: true });
  try {
    const failure = download(partial, debs, []);
    if (failure !== null) {
      // The system's package lists are missing (slim images delete them) or name files that are gone.
      const own = privateLists(join(partial, 'apt'));
      const update = run('apt-get', [...own, 'update'], debs);
      if (update !== null) return update;
      const again = download(partial, debs, own);
      if (again !== null) return again;
    }
    rmSync(join(partial, 'apt'), { recursive: true, force: true });
    rmSync(debs, { recursive: true, force: true });
    chmodSync(partial, 0o755);
    renameSync(partial, unpacked);
    return null;
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

function download(partial: string, debs: string, options: readonly string[]): string | null {
  const unprivileged = [...options, '-o', 'Debug::NoLocking=1', '-o', 'APT::Sandbox::User=root'];
  const plan = spawnSync(
    'apt-get',
    [...unprivileged, '-s', '--no-install-recommends', 'install', ...PACKAGES],
    {
      encoding: 'utf8',
      timeout: TIMEOUT_MS,
    },
  );
  // What an installation would bring is what is missing here; nothing if it is installed unseen. Where the
  // packages of the system contradict each other there is no plan: then the direct dependencies.
  const missing =
    plan.status === 0
      ? [...plan.stdout.matchAll(/^Inst (\S+)/gm)].map((match) => match[1] ?? '')
      : directLibraries(unprivileged);
  const failure = run('apt-get', [...unprivileged, 'download', ...new Set([...PACKAGES, ...missing])], debs);
  if (failure !== null) return failure;
  for (const file of readdirSync(debs).filter((name) => name.endsWith('.deb'))) {
    const unpack = run('dpkg', ['-x', join(debs, file), partial], debs);
    if (unpack !== null) return unpack;
  }
  return null;
}

function directLibraries(options: readonly string[]): string[] {
  const { stdout } = spawnSync('apt-cache', [...options, 'depends', ...PACKAGES], { encoding: 'utf8' });
  const names = [...(stdout ?? '').matchAll(/^ +Depends: (lib[^\s:<]+)/gm)].map((match) => match[1] ?? '');
  // Another C library than the one the loader belongs to would crash everything.
  return names.filter((name) => name !== 'libc6');
}

/** Options that make apt keep its lists in a directory of ours. */
function privateLists(directory: string): string[] {
  const state = join(directory, 'lists');
  const cache = join(directory, 'cache');
  mkdirSync(join(state, 'partial'), { recursive: true });
  mkdirSync(join(cache, 'archives', 'partial'), { recursive: true });
  const status = '/var/lib/dpkg/status';
  if (!existsSync(status)) writeFileSync(join(directory, 'status'), '');
  return [
    ...['-o', `Dir::State::lists=${state}`, '-o', `Dir::Cache=${cache}`],
    ...['-o', `Dir::State::status=${existsSync(status) ? status : join(directory, 'status')}`],
    ...['-o', 'Debug::NoLocking=1', '-o', 'APT::Sandbox::User=root', '-o', 'Acquire::Retries=2'],
  ];
}

function libraryDirs(root: string): string[] {
  const found = new Set<string>();
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (/\.so(\.|$)/.test(entry.name)) found.add(entry.parentPath);
  }
  return [...found].filter((directory) => dirname(directory) !== root);
}

function available(program: string): boolean {
  return spawnSync('/bin/sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0;
}

function run(command: string, args: readonly string[], cwd: string): string | null {
  const result = spawnSync(command, args, { cwd, encoding: 'utf8', timeout: TIMEOUT_MS });
  if (result.status === 0) return null;
  const said = (result.stderr ?? '').trim().split('\n').filter(Boolean).at(-1);
  return said ?? result.error?.message ?? `${command} failed`;
}
