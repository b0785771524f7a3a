import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { repository } from '../../../../test/support/environment.js';
import {
  ended,
  ensureGone,
  firstLine,
  removeDirectories,
  silent,
  temporaryDirectory,
} from '../../../../test/support/launcher.js';
import { loadConfig } from '../config.js';
import { freePort } from '../os/ports.js';
import { isAlive } from '../os/processes.js';
import { servicesRunning } from '../services/start-services.js';
import { startDetached } from './detach.js';
import { orphanedSystem, readRuntimeState, runningSupervisor, type RuntimeState } from './runtime-state.js';
import { stopSystem } from './stop-system.js';

const SCRIPT = join(import.meta.dirname, 'fixtures', 'run-supervisor.ts');
const ARGS = ['--no-warnings', '--import', join(repository, 'tools', 'ts.mjs'), SCRIPT];
const dataDir = join(temporaryDirectory(), 'data');
const started: ChildProcess[] = [];

function environment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return { ...process.env, QUIPU_DATA_DIR: dataDir, PORT: '0', QUIPU_SHUTDOWN_SECONDS: '2', ...more };
}

function run(fixtures: string[], more: NodeJS.ProcessEnv = {}): ChildProcess {
  const child = spawn(process.execPath, [...ARGS, ...fixtures], {
    env: environment(more),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  return child;
}

async function ready(child: ChildProcess): Promise<{ url: string; keyFile: string; attached: string[] }> {
  return JSON.parse(await firstLine(child));
}

async function end(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  await ended(child);
}

async function until<T>(what: string, look: () => Promise<T | null | false> | T | null | false): Promise<T> {
  const deadline = Date.now() + 90_000;
  for (;;) {
    const seen = await look();
    if (seen !== null && seen !== false) return seen;
    if (Date.now() > deadline) throw new Error(`timed out waiting until ${what}`);
    await delay(25);
  }
}

const ask = async (url: string): Promise<Record<string, unknown>> =>
  (await (await fetch(url)).json()) as Record<string, unknown>;
const askOrNull = (url: string): Promise<Record<string, unknown> | null> => ask(url).catch(() => null);
const state = (): RuntimeState => readRuntimeState(dataDir) as RuntimeState;
const pidOf = (name: string): number => state().programs.find((program) => program.name === name)?.pid ?? 0;
const log = (name: string): string => readFileSync(join(dataDir, 'log', `${name}.log`), 'utf8');

const config = { ...loadConfig({}), dataDir, shutdownSeconds: 2 };

afterEach(async () => {
  // Nothing to do unless a test failed half-way.
  await stopSystem(config, silent);
  for (const child of started.splice(0)) child.kill('SIGKILL');
}, 60_000);
afterAll(removeDirectories, 60_000);

describe('supervise', () => {
  it('starts stores and programs, hands them their environment, and takes everything down in order', async () => {
    const child = run(['api', 'stubborn'], { QUIPU_METRICS_VOCABULARY: 'deploy/names.json' });
    const { url, keyFile, attached } = await ready(child);
    expect(attached).toEqual([]);
    const written = state();
    expect(written).toMatchObject({ phase: 'ready', url, pid: child.pid });
    expect(written.programs.map(({ name }) => name)).toEqual(['api', 'stubborn']);
    expect(statSync(join(dataDir, 'run', 'state.json')).mode & 0o777).toBe(0o600);
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    expect(await ask(url)).toEqual({
      pid: pidOf('api'),
      DATABASE_URL: written.databaseUrl,
      REDIS_URL: written.redisUrl,
      QUIPU_SUPERADMIN_KEY: readFileSync(keyFile, 'utf8').trim(),
      QUIPU_DATA_DIR: dataDir,
      // Programs run in another directory than the one this was named from.
      QUIPU_METRICS_VOCABULARY: resolve('deploy/names.json'),
    });

    const pids = written.programs.map(({ pid }) => pid);
    await end(child);
    expect(child.exitCode).toBe(0);
    expect(log('api')).toContain('ended in order');
    expect(log('stubborn')).toContain('asked to end');
    expect(pids.map(isAlive)).toEqual([false, false]);
    expect(servicesRunning(dataDir)).toEqual({ postgres: false, redis: false });
    expect(existsSync(join(dataDir, 'run', 'state.json'))).toBe(false);
  }, 60_000);

  it('starts again whatever dies: programs, Postgres, Redis', async () => {
    const child = run(['api']);
    const { url } = await ready(child);
    const before = await ask(url);

    await ensureGone(pidOf('api'));
    const after = await until('the API answers again', () => askOrNull(url));
    expect(after['pid']).not.toBe(before['pid']);
    expect(after['DATABASE_URL']).toBe(before['DATABASE_URL']);
    await until('the state says so', () => state().programs[0]?.restarts === 1);

    const home = readFileSync(join(dataDir, 'postgres', 'data', 'postmaster.pid'), 'utf8').split('\n');
    await ensureGone(Number(home[0]));
    await until('Postgres runs again', () => servicesRunning(dataDir).postgres);
    const again = await until('it is ready', () => {
      const lines = readFileSync(join(dataDir, 'postgres', 'data', 'postmaster.pid'), 'utf8').split('\n');
      return lines[7]?.trim() === 'ready' && lines;
    });
    expect(again[3]).toBe(home[3]);
    await end(child);
  }, 60_000);

  it('refuses a second start on the same directory and says where the first is', async () => {
    const first = run(['api']);
    const { url } = await ready(first);
    const second = run(['api']);
    const refusal: { code: string; message: string } = JSON.parse(await firstLine(second));
    expect(refusal.code).toBe('already_running');
    expect(refusal.message).toContain(`already running at ${url}`);
    expect(runningSupervisor(dataDir)?.pid).toBe(first.pid);
    await end(first);
  }, 60_000);

  it('says who holds a taken port', async () => {
    const port = await freePort();
    const squatter = createServer();
    await new Promise<void>((done) => squatter.listen(port, '127.0.0.1', done));
    const refusal: { code: string; message: string } = JSON.parse(
      await firstLine(run(['api'], { PORT: String(port) })),
    );
    squatter.close();
    expect(refusal.code).toBe('service_start');
    expect(refusal.message).toContain(`port ${port} is held by process ${process.pid} (`);
    expect(servicesRunning(dataDir)).toEqual({ postgres: false, redis: false });
  }, 60_000);

  it('follows a supervisor that was killed: ends its programs, attaches to its servers', async () => {
    const port = String(await freePort());
    const first = run(['api', 'stubborn'], { PORT: port });
    await ready(first);
    const orphans = state().programs.map(({ pid }) => pid);
    first.kill('SIGKILL');
    await ended(first);
    expect(orphans.map(isAlive)).toEqual([true, true]);

    const second = run(['api'], { PORT: port });
    expect((await ready(second)).attached).toEqual(['Postgres', 'Redis']);
    expect(orphans.map(isAlive)).toEqual([false, false]);
    await end(second);
    expect(servicesRunning(dataDir)).toEqual({ postgres: false, redis: false });
  }, 60_000);

  it('gives up a start when a program ends at once, and says why', async () => {
    const child = run(['broken']);
    const refusal: { code: string; message: string } = JSON.parse(await firstLine(child));
    await ended(child);
    expect(refusal.code).toBe('service_start');
    expect(refusal.message).toContain('the reason why');
    expect(servicesRunning(dataDir)).toEqual({ postgres: false, redis: false });
    expect(runningSupervisor(dataDir)).toBeNull();
  }, 60_000);

  it('lets a preset key rule at every start', async () => {
    const file = join(dataDir, 'superadmin.key');
    writeFileSync(file, 'the-key-of-before\n');
    const child = run(['api'], { QUIPU_SUPERADMIN_KEY: 'the-preset-key' });
    const { url } = await ready(child);
    expect(readFileSync(file, 'utf8')).toBe('the-preset-key\n');
    expect((await ask(url))['QUIPU_SUPERADMIN_KEY']).toBe('the-preset-key');
    await end(child);
    const next = run(['api']);
    expect((await ask((await ready(next)).url))['QUIPU_SUPERADMIN_KEY']).toBe('the-preset-key');
    await end(next);
  }, 60_000);
});

describe('startDetached and stopSystem', () => {
  const detach = (fixture: string): ReturnType<typeof startDetached> =>
    startDetached({ config, command: process.execPath, args: [...ARGS, fixture], env: environment() });

  it('returns when the API answers; starting again finds it; stopping stops everything', async () => {
    const first = await detach('api');
    expect(first.wasRunning).toBe(false);
    expect((await ask(first.state.url))['pid']).toBe(first.state.programs[0]?.pid);
    const second = await detach('api');
    expect(second).toMatchObject({ wasRunning: true, state: { pid: first.state.pid, url: first.state.url } });

    expect(await stopSystem(config, silent)).toMatchObject({ wasRunning: true, stillUsed: false });
    expect(isAlive(first.state.pid)).toBe(false);
    expect(servicesRunning(dataDir)).toEqual({ postgres: false, redis: false });
    expect(await stopSystem(config, silent)).toMatchObject({ wasRunning: false, orphans: [], services: [] });
  }, 60_000);

  it('started twice at the same time: one starts, the other finds it', async () => {
    const both = await Promise.all([detach('api'), detach('api')]);
    expect(both.map(({ wasRunning }) => wasRunning).sort()).toEqual([false, true]);
    expect(new Set(both.map(({ state }) => state.pid)).size).toBe(1);
    await stopSystem(config, silent);
  }, 60_000);

  it('reports what the supervisor said when it could not start', async () => {
    await expect(detach('broken')).rejects.toThrow(/did not start[^]*the reason why/);
  }, 60_000);

  it('stops what a killed supervisor left behind', async () => {
    const { state: left } = await detach('api');
    expect(orphanedSystem(dataDir)).toBeNull();
    await ensureGone(left.pid);
    expect(orphanedSystem(dataDir)).toMatchObject({ url: left.url, programs: [{ name: 'api' }] });
    const stopped = await stopSystem(config, silent);
    expect(stopped).toEqual({
      wasRunning: false,
      orphans: ['api'],
      services: ['Postgres', 'Redis'],
      stillUsed: false,
    });
  }, 60_000);
});
