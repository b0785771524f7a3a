import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { testDataDir } from '../support/environment.js';

/** Where a package's files lie, or why there are none. */
export type UnpackedPackage = { readonly root: string } | { readonly missing: string };

/**
 * Downloads a package of the distribution and unpacks it below the tests' own directory, once. Needs apt and
 * dpkg but no root, and installs nothing.
 */
export function debianPackage(name: string): UnpackedPackage {
  const root = join(testDataDir, 'debian', name);
  if (existsSync(root)) return { root };
  const partial = `${root}.${process.pid}`;
  mkdirSync(partial, { recursive: true });
  try {
    const failure = download(name, partial);
    if (failure !== null) return { missing: `the package ${name} could not be had: ${failure}` };
    for (const file of readdirSync(partial).filter((entry) => entry.endsWith('.deb'))) {
      const unpacked = run('dpkg', ['-x', file, '.'], partial);
      if (unpacked !== null) return { missing: `the package ${name} could not be unpacked: ${unpacked}` };
    }
    try {
      renameSync(partial, root);
    } catch (error) {
      // Another process may have been faster: then its copy is as good.
      if (!existsSync(root)) throw error;
    }
    return { root };
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

const APT = ['-o', 'Debug::NoLocking=1', '-o', 'APT::Sandbox::User=root', '-o', 'Acquire::Retries=2'];

function download(name: string, directory: string): string | null {
  const failure = run('apt-get', [...APT, 'download', name], directory);
  if (failure === null || failure === NO_PROGRAM) return failure;
  // Slim images carry no package lists: fetch some, beside the system's.
  const lists = join(directory, 'lists');
  mkdirSync(join(lists, 'partial'), { recursive: true });
  mkdirSync(join(directory, 'cache', 'archives', 'partial'), { recursive: true });
  const own = [...APT, '-o', `Dir::State::lists=${lists}`, '-o', `Dir::Cache=${join(directory, 'cache')}`];
  const update = run('apt-get', [...own, 'update'], directory);
  const again = update ?? run('apt-get', [...own, 'download', name], directory);
  rmSync(lists, { recursive: true, force: true });
  rmSync(join(directory, 'cache'), { recursive: true, force: true });
  return again;
}

const NO_PROGRAM = 'this system has no apt';

function run(command: string, args: readonly string[], cwd: string): string | null {
  const result = spawnSync(command, args, { cwd, encoding: 'utf8', timeout: 60_000 });
  if (result.status === 0) return null;
  if (result.error !== undefined && 'code' in result.error && result.error.code === 'ENOENT')
    return NO_PROGRAM;
  const said = (result.stderr ?? '').trim().split('\n').filter(Boolean).at(-1);
  return said ?? result.error?.message ?? `${command} failed`;
}
