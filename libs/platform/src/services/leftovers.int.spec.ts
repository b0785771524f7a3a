import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import {
  ended,
  ensureGone,
  firstLine,
  removeDirectories,
  runModule,
  silent,
  temporaryDirectory,
} from '../../../../test/support/launcher.js';
import { findServiceHome, orphanedHomes } from './service-home.js';
import { servicesRunning, startServices, type RunningServices } from './start-services.js';

const asRoot = process.getuid?.() === 0 ? it : it.skip;

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

const starter = (dataDir: string, then: string): string => `
  import { createLogger, startServices } from '@quipu/platform';
  const services = await startServices({ dataDir: ${JSON.stringify(dataDir)} }, createLogger('t', 'warn'));
  // As text: numbers are coloured where FORCE_COLOR is set.
  console.log([services.postgresPid, process.getuid()].join(' '));
  ${then}
`;

describe('what killed processes leave behind', () => {
  const dataDir = join(temporaryDirectory(), 'data');
  let services: RunningServices | undefined;
  afterEach(async () => {
    await services?.stop();
    services = undefined;
  }, 60_000);
  afterAll(removeDirectories, 60_000);

  it('a starter killed with SIGKILL: its servers live on and the next start attaches to them', async () => {
    const child = runModule(starter(dataDir, 'setInterval(() => {}, 1000);'));
    const pid = Number((await firstLine(child)).split(' ')[0]);
    child.kill('SIGKILL');
    await ended(child);
    services = await startServices({ dataDir }, silent);
    expect(services.attached).toEqual(['Postgres', 'Redis']);
    expect(services.postgresPid).toBe(pid);
    await query(services.databaseUrl, 'CREATE TABLE kept AS SELECT 42 AS n');
  }, 60_000);

  it('a starter that ends without stopping: the last user to come stops them', async () => {
    const child = runModule(starter(dataDir, 'process.exit(0);'));
    await firstLine(child);
    await ended(child);
    expect(servicesRunning(dataDir)).toEqual({ postgres: true, redis: true });
    await (await startServices({ dataDir }, silent)).stop();
    expect(servicesRunning(dataDir)).toEqual({ postgres: false, redis: false });
  }, 60_000);

  it('servers killed with SIGKILL while a session was open: they start again with their data', async () => {
    const first = await startServices({ dataDir }, silent);
    const session = new pg.Client({ connectionString: first.databaseUrl });
    session.on('error', () => undefined);
    await session.connect();
    const busy = session.query('SELECT pg_sleep(60)').catch(() => undefined);
    await ensureGone(first.postgresPid, first.redisPid);
    services = await startServices({ dataDir }, silent);
    await busy;
    expect(services.attached).toEqual([]);
    expect(await query(services.databaseUrl, 'SELECT n FROM kept')).toEqual([{ n: 42 }]);
    await first.stop();
  }, 60_000);

  it('a lock file whose pid now belongs to another living process of the same user', async () => {
    const first = await startServices({ dataDir }, silent);
    await first.stop();
    const home = findServiceHome(dataDir) ?? '';
    const { uid, gid } = statSync(join(home, 'postgres', 'data'));
    const stranger = spawn('sleep', ['60'], { uid, gid });
    const data = join(home, 'postgres', 'data');
    writeFileSync(
      join(data, 'postmaster.pid'),
      `${stranger.pid}\n${data}\n1\n5432\n\n127.0.0.1\n1 1\nready   \n`,
    );
    try {
      services = await startServices({ dataDir }, silent);
      expect(await query(services.databaseUrl, 'SELECT n FROM kept')).toEqual([{ n: 42 }]);
    } finally {
      stranger.kill();
    }
  }, 60_000);

  it('a port that somebody else has taken meanwhile: another is chosen', async () => {
    const first = await startServices({ dataDir }, silent);
    const port = Number(new URL(first.databaseUrl).port);
    await first.stop();
    const squatter = createServer().listen(port, '127.0.0.1');
    try {
      services = await startServices({ dataDir }, silent);
      expect(Number(new URL(services.databaseUrl).port)).not.toBe(port);
      expect(await query(services.databaseUrl, 'SELECT n FROM kept')).toEqual([{ n: 42 }]);
    } finally {
      squatter.close();
    }
  }, 60_000);

  it('an initdb that was killed half-way: the next start begins anew', async () => {
    const fresh = join(temporaryDirectory(), 'data');
    mkdirSync(join(fresh, 'postgres', 'initialising', 'base'), { recursive: true });
    writeFileSync(join(fresh, 'postgres', 'initialising', 'PG_VERSION'), '18\n');
    const started = await startServices({ dataDir: fresh }, silent);
    expect(await query(started.databaseUrl, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
    await started.stop();
    expect(existsSync(join(fresh, 'postgres', 'initialising'))).toBe(false);
  }, 60_000);
});

describe('where the services live', () => {
  afterAll(removeDirectories, 60_000);

  asRoot(
    'as root under a 0700 directory: outside of it, and still there after the directory was opened',
    async () => {
      const parent = temporaryDirectory(0o700);
      const dataDir = join(parent, 'data');
      const first = await startServices({ dataDir }, silent);
      const home = findServiceHome(dataDir);
      expect(home).toMatch(/^\/var\/lib\/quipu\/[0-9a-f]{16}$/);
      await query(first.databaseUrl, 'CREATE TABLE kept AS SELECT 42 AS n');
      await first.stop();

      chmodSync(parent, 0o755);
      const second = await startServices({ dataDir }, silent);
      expect(findServiceHome(dataDir)).toBe(home);
      expect(await query(second.databaseUrl, 'SELECT n FROM kept')).toEqual([{ n: 42 }]);
      await second.stop();
    },
    60_000,
  );

  asRoot(
    'as root when a directory above was closed later: refuses, rather than begin with an empty database',
    async () => {
      const parent = temporaryDirectory(0o755);
      const dataDir = join(parent, 'data');
      await (await startServices({ dataDir }, silent)).stop();
      chmodSync(parent, 0o700);
      await expect(startServices({ dataDir }, silent)).rejects.toMatchObject({
        code: 'service_start',
        message: expect.stringContaining('cannot enter'),
        hint: expect.stringContaining('chmod'),
      });
      chmodSync(parent, 0o755);
    },
    60_000,
  );

  asRoot(
    'a data directory that was deleted and made again: empty, and the old files are kept aside',
    async () => {
      const dataDir = join(temporaryDirectory(0o700), 'data');
      const first = await startServices({ dataDir }, silent);
      await query(first.databaseUrl, 'CREATE TABLE kept AS SELECT 42 AS n');
      await first.stop();
      const home = findServiceHome(dataDir) ?? '';
      expect(orphanedHomes().map(({ path }) => path)).not.toContain(home);
      rmSync(dataDir, { recursive: true });
      expect(orphanedHomes()).toContainEqual({ path: home, dataDir });

      const second = await startServices({ dataDir }, silent);
      expect(await query(second.databaseUrl, `SELECT to_regclass('kept') AS t`)).toEqual([{ t: null }]);
      await second.stop();
      const orphans = readdirSync('/var/lib/quipu').filter((name) =>
        `/var/lib/quipu/${name}`.startsWith(`${home}.orphan-`),
      );
      expect(orphans).toHaveLength(1);
      expect(orphanedHomes()).toContainEqual({ path: `/var/lib/quipu/${orphans[0]}`, dataDir });
      expect(orphanedHomes().map(({ path }) => path)).not.toContain(home);
      rmSync(`/var/lib/quipu/${orphans[0]}`, { recursive: true });
    },
    60_000,
  );

  asRoot(
    'as an ordinary user: in the data directory, as that user',
    async () => {
      const parent = temporaryDirectory(0o777);
      const nobody = { uid: 65_534, gid: 65_534 };
      const child = runModule(starter(join(parent, 'data'), 'await services.stop();'), nobody);
      const [pid, uid] = (await firstLine(child)).split(' ').map(Number);
      await ended(child);
      expect(uid).toBe(nobody.uid);
      expect(pid).toBeGreaterThan(0);
      expect(statSync(join(parent, 'data', 'postgres', 'data')).uid).toBe(nobody.uid);
      expect(servicesRunning(join(parent, 'data'))).toEqual({ postgres: false, redis: false });
    },
    60_000,
  );
});
