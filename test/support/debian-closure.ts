import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { testDataDir } from './environment.js';

/** Where files of packages lie, or why there are none. */
export type UnpackedClosure = { readonly root: string } | { readonly missing: string };

/**
 * Downloads packages of the distribution with everything they need that the system does not have, and unpacks all of it
 * below the tests' own directory, once. Needs apt and dpkg but no root, and installs nothing.
 * @param name of the directory.
 */
export function debianClosure(name: string, packages: readonly string[]): UnpackedClosure {
  const root = join(testDataDir, 'debian', name);
  if (existsSync(root)) return { root };
  const partial = `${root}.${process.pid}`;
  const cache = join(partial, 'cache');
  mkdirSync(join(cache, 'archives', 'partial'), { recursive: true });
  try {
    const failure = download(packages, cache, partial);
    if (failure !== null) return { missing: `${packages.join(', ')} could not be had: ${failure}` };
    const archives = join(cache, 'archives');
    for (const file of readdirSync(archives).filter((entry) => entry.endsWith('.deb'))) {
      const unpacked = run('dpkg', ['-x', join(archives, file), partial]);
      if (unpacked !== null) return { missing: `${file} could not be unpacked: ${unpacked}` };
    }
    rmSync(cache, { recursive: true, force: true });
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

/** The environment in which programs and modules of a closure find each other. */
export function closureEnvironment(root: string): NodeJS.ProcessEnv {
  const libraries = [`${root}/usr/lib`, `${root}/lib`].flatMap((directory) =>
    existsSync(directory) ? readdirSync(directory).map((entry) => join(directory, entry)) : [],
  );
  const paths = libraries.filter((path) => path.endsWith('-linux-gnu'));
  return {
    ...process.env,
    // What the programs talk to is on this machine; a proxy is for downloads.
    ...{ no_proxy: '*', NO_PROXY: '*' },
    // Times without a zone are local ones to some of them, and UTC in what they are asked here.
    TZ: 'UTC',
    PYTHONPATH: join(root, 'usr/lib/python3/dist-packages'),
    LD_LIBRARY_PATH: paths.flatMap((path) => [path, join(path, 'blas'), join(path, 'lapack')]).join(':'),
  };
}

const APT = ['-o', 'Debug::NoLocking=1', '-o', 'APT::Sandbox::User=root', '-o', 'Acquire::Retries=2'];

function download(packages: readonly string[], cache: string, directory: string): string | null {
  const own = [...APT, '-o', `Dir::Cache=${cache}`];
  // Without `--reinstall` there is nothing to unpack where the system has the packages itself.
  const how = ['--reinstall', '--download-only', '--no-install-recommends', '--yes'];
  const install = ['install', ...how, ...packages];
  const failure = run('apt-get', [...own, ...install]);
  if (failure === null || failure === NO_PROGRAM) return failure;
  // Slim images carry no package lists: fetch some, beside the system's.
  const lists = join(directory, 'lists');
  mkdirSync(join(lists, 'partial'), { recursive: true });
  const listed = [...own, '-o', `Dir::State::lists=${lists}`];
  const again = run('apt-get', [...listed, 'update']) ?? run('apt-get', [...listed, ...install]);
  rmSync(lists, { recursive: true, force: true });
  return again;
}

const NO_PROGRAM = 'this system has no apt';

function run(command: string, args: readonly string[]): string | null {
  const result = spawnSync(command, args, { encoding: 'utf8', timeout: 120_000 });
  if (result.status === 0) return null;
  if (result.error !== undefined && 'code' in result.error && result.error.code === 'ENOENT')
    return NO_PROGRAM;
  const said = (result.stderr ?? '').trim().split('\n').filter(Boolean).at(-1);
  return said ?? result.error?.message ?? `${command} failed`;
}
