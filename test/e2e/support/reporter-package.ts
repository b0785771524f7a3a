import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '../../..');
const run = promisify(execFile);

/** A folder outside of the repository that has installed the packed reporter and one version of BullMQ. */
export interface Project {
  readonly directory: string;
  /** Runs a program of the project. */
  node(...args: string[]): Promise<string>;
  remove(): Promise<void>;
}

/** Makes the package and packs it; the path of the archive. */
export async function packReporter(directory: string): Promise<string> {
  const built = join(directory, 'built');
  await run(process.execPath, ['--no-warnings', join(ROOT, 'libs/reporter/pack.mjs'), built]);
  await run('npm', ['pack', '--silent', '--pack-destination', directory], { cwd: built });
  const archive = (await readdir(directory)).find((name) => name.endsWith('.tgz'));
  if (archive === undefined) throw new Error('npm pack made no archive');
  return join(directory, archive);
}

/**
 * Installs the archive in an empty folder, offline: the package may need nothing but its peers, which are linked to
 * the ones installed here.
 *
 * @param bullmq folder of BullMQ in node_modules: `bullmq` or `bullmq5`.
 */
export async function makeProject(archive: string, bullmq: string): Promise<Project> {
  const directory = await mkdtemp(join(tmpdir(), 'quipu-project-'));
  await writeFile(
    join(directory, 'package.json'),
    '{ "name": "project", "private": true, "type": "module" }\n',
  );
  const flags = ['--offline', '--legacy-peer-deps', '--no-audit', '--no-fund', '--silent'];
  await run('npm', ['install', ...flags, archive], { cwd: directory });
  const modules = join(ROOT, 'node_modules');
  const own = join(modules, bullmq, 'node_modules', 'ioredis');
  const nested = bullmq === 'bullmq' ? join(modules, 'ioredis') : own;
  await symlink(join(modules, bullmq), join(directory, 'node_modules', 'bullmq'));
  await symlink(nested, join(directory, 'node_modules', 'ioredis'));
  await mkdir(join(directory, 'node_modules', '@types'));
  await symlink(join(modules, '@types', 'node'), join(directory, 'node_modules', '@types', 'node'));
  await cp(join(ROOT, 'test/fixtures/reporter/project'), directory, { recursive: true });
  return {
    directory,
    async node(...args) {
      // Nothing of this test's environment: a project knows nothing of the repository.
      const { stdout } = await run(process.execPath, args, {
        cwd: directory,
        env: { PATH: process.env['PATH'] ?? '' },
      });
      return stdout;
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}
