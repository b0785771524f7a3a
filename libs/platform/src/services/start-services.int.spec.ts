import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { Redis } from 'ioredis';
import { createPool } from '../pg/create-pool.js';
import {
  ensureGone,
  removeDirectories,
  silent,
  temporaryDirectory,
} from '../../../../test/support/launcher.js';
import { withFileLock } from '../os/dir-lock.js';
import { isAlive } from '../os/processes.js';
import { startRedis } from './redis-server.js';
import { openServiceHome } from './service-home.js';
import { servicesRunning, startServices, stopServices, type RunningServices } from './start-services.js';

const describeSetting = async (url: string, names: string[]): Promise<Record<string, string>> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ name: string; setting: string }>(
    'SELECT name, setting FROM pg_settings WHERE name = ANY($1)',
    [names],
  );
  await client.end();
  return Object.fromEntries(rows.map((row) => [row.name, row.setting]));
};

describe('startServices', () => {
  // A directory name as people have them: everything that is passed on must survive it.
  const dataDir = join(temporaryDirectory(0o755, 'quipu o\'hara "x" '), 'data');
  let services: RunningServices;
  beforeAll(async () => {
    services = await startServices({ dataDir }, silent);
  }, 60_000);
  afterAll(async () => {
    await services.stop();
    await removeDirectories();
  }, 60_000);

  it('runs neither server as root', () => {
    const owners = [services.postgresPid, services.redisPid].map((pid) => statSync(`/proc/${pid}`).uid);
    expect(owners).not.toContain(0);
  });

  it('gives up no durability in Postgres, and listens on this machine only', async () => {
    const names = [
      'fsync',
      'synchronous_commit',
      'full_page_writes',
      'server_encoding',
      'listen_addresses',
      'jit',
    ];
    expect(await describeSetting(services.databaseUrl, names)).toEqual({
      fsync: 'on',
      synchronous_commit: 'on',
      full_page_writes: 'on',
      server_encoding: 'UTF8',
      listen_addresses: '127.0.0.1',
      jit: 'off',
    });
  });

  it('lets nobody into Postgres without the password', async () => {
    const url = new URL(services.databaseUrl);
    url.password = 'wrong';
    const client = new pg.Client({ connectionString: url.href });
    await expect(client.connect()).rejects.toMatchObject({ code: '28P01' });
  });

  it('keeps both passwords in files that only their owner may read', () => {
    for (const name of ['postgres', 'redis']) {
      const file = join(dataDir, `${name}.password`);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(readFileSync(file, 'utf8').trim()).toMatch(/^[0-9a-f]{64}$/);
    }
  });

  it('gives up no durability in Redis, and asks for the password', async () => {
    const redis = new Redis(services.redisUrl);
    const setting = async (name: string): Promise<unknown> =>
      ((await redis.config('GET', name)) as unknown[])[1];
    expect(await setting('appendonly')).toBe('yes');
    expect(await setting('appendfsync')).toBe('always');
    expect(await setting('maxmemory-policy')).toBe('noeviction');
    expect(await setting('databases')).toBe('512');
    redis.disconnect();
    const { port } = new URL(services.redisUrl);
    const stranger = new Redis(Number(port), '127.0.0.1', {
      retryStrategy: () => null,
      enableReadyCheck: false,
    });
    stranger.on('error', () => undefined);
    await expect(stranger.ping()).rejects.toThrow(/NOAUTH/);
    stranger.disconnect();
  });

  it('attaches to what runs already, and only the last user stops it', async () => {
    const second = await startServices({ dataDir }, silent);
    expect(second.attached).toEqual(['Postgres', 'Redis']);
    expect(second.postgresPid).toBe(services.postgresPid);
    expect(second.databaseUrl).toBe(services.databaseUrl);
    await services.stop();
    expect(servicesRunning(dataDir)).toEqual({ postgres: true, redis: true });
    await second.stop();
    expect(servicesRunning(dataDir)).toEqual({ postgres: false, redis: false });
    services = await startServices({ dataDir }, silent);
    expect(services.attached).toEqual([]);
    expect(services.databaseUrl).toBe(second.databaseUrl);
  }, 60_000);

  it('makes one pair of servers however many start at once', async () => {
    await stopServices(dataDir, silent);
    const all = await Promise.all([1, 2, 3].map(() => startServices({ dataDir }, silent)));
    expect(new Set(all.map((one) => one.postgresPid)).size).toBe(1);
    expect(new Set(all.map((one) => one.redisPid)).size).toBe(1);
    for (const one of all.slice(1)) await one.stop();
    services = all[0] as RunningServices;
    expect(servicesRunning(dataDir)).toEqual({ postgres: true, redis: true });
  }, 60_000);

  it('brings back on the same ports what died, with everything committed', async () => {
    const { databaseUrl, redisUrl, postgresPid, redisPid } = services;
    const pool = createPool(databaseUrl);
    await pool.query('CREATE TABLE kept (n int)');
    await pool.query('INSERT INTO kept VALUES (42)');
    await pool.end();
    const redis = new Redis(redisUrl);
    await redis.set('kept', '42');
    redis.disconnect();

    expect(await services.ensure()).toEqual([]);
    await ensureGone(postgresPid, redisPid);
    expect(await services.ensure()).toEqual(['Postgres', 'Redis']);

    expect(services.postgresPid).not.toBe(postgresPid);
    expect(isAlive(services.postgresPid ?? 0)).toBe(true);
    const again = createPool(databaseUrl);
    expect((await again.query<{ n: number }>('SELECT n FROM kept')).rows).toEqual([{ n: 42 }]);
    await again.end();
    const redisAgain = new Redis(redisUrl);
    expect(await redisAgain.get('kept')).toBe('42');
    redisAgain.disconnect();
  }, 60_000);

  it('gives up a Redis that hangs, whatever it would do when it goes on', async () => {
    const place = openServiceHome(dataDir, silent);
    const password = new URL(services.redisUrl).password;
    process.kill(services.redisPid ?? 0, 'SIGSTOP');
    try {
      const attached = startRedis({ place, password, log: silent, silentMs: 300 });
      await expect(attached).rejects.toThrow('Redis does not answer: it takes connections and says nothing.');
    } finally {
      process.kill(services.redisPid ?? 0, 'SIGCONT');
    }
    const attached = await startRedis({ place, password, log: silent, silentMs: 300 });
    expect(attached).toMatchObject({ attached: true, pid: services.redisPid });
  }, 30_000);

  it('stops waiting when it is told to: for another start, and for servers of its own', async () => {
    const lock = join(dataDir, 'run', 'services.lock');
    await withFileLock(lock, 1_000, async () => {
      const waiting = startServices({ dataDir }, silent, { signal: AbortSignal.timeout(200) });
      await expect(waiting).rejects.toThrow(/timeout/);
    });
    const fresh = join(temporaryDirectory(), 'data');
    const controller = new AbortController();
    const starting = startServices({ dataDir: fresh }, silent, { signal: controller.signal });
    const running = setInterval(() => {
      if (servicesRunning(fresh).redis) controller.abort(new Error('Ctrl-C'));
    }, 1);
    await expect(starting).rejects.toThrow('Ctrl-C');
    clearInterval(running);
    expect(servicesRunning(fresh)).toEqual({ postgres: false, redis: false });
  }, 30_000);
});
