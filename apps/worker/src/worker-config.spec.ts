import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, loadConfig } from '@quipu/platform';
import { workerConfig } from './worker-config.js';

const ENV = {
  REDIS_URL: 'redis://localhost:6379/0',
  QUIPU_WORKER_TENANT: 'acme',
  QUIPU_WORKER_QUEUES: 'builds, tests,builds',
  QUIPU_WORKER_INPUT_DIR: '/srv/input',
  QUIPU_WORKER_FILE_STORE_DIR: '/srv/store',
};

const read = (env: NodeJS.ProcessEnv) => workerConfig(loadConfig({ ...ENV, ...env }), { ...ENV, ...env });

describe('the configuration of a worker', () => {
  it('needs few variables', () => {
    expect(read({})).toMatchObject({
      ...{ tenant: 'acme', queues: ['builds', 'tests'], jobsRedisUrl: ENV.REDIS_URL, jobsPrefix: 'bull' },
      ...{
        concurrency: 2,
        nodes: 1,
        lockMs: 10_000,
        bytesPerSecond: 0,
        type: 'external',
        fileStore: 'worker',
      },
    });
    expect(read({})).not.toHaveProperty('name');
  });

  it('takes pools, architectures and whatever else a fleet is made of', () => {
    const env = {
      QUIPU_WORKER_POOL: 'arm',
      QUIPU_WORKER_ARCHITECTURES: 'arm64,armhf',
      QUIPU_WORKER_NAME: 'w-1',
    };
    expect(read(env)).toMatchObject({ pool: 'arm', architectures: ['arm64', 'armhf'], name: 'w-1' });
  });

  it.each([
    ['QUIPU_WORKER_TENANT', ''],
    ['QUIPU_WORKER_TENANT', 'a b'],
    ['QUIPU_WORKER_QUEUES', ','],
    ['QUIPU_WORKER_QUEUES', 'a:b'],
    ['QUIPU_WORKER_CONCURRENCY', '0'],
    ['QUIPU_WORKER_LOCK_MS', '1e9'],
    ['QUIPU_WORKER_ARCHITECTURES', 'a,,b'],
    ['QUIPU_WORKER_INPUT_DIR', ''],
    ['REDIS_URL', ''],
  ])('says what is wrong with %s=%j', (name, value) => {
    expect(() => read({ [name]: value })).toThrow(ConfigError);
    expect(() => read({ [name]: value })).toThrow(name);
  });

  it.each([
    ['/srv/input', '/srv/input'],
    ['/srv/input', '/srv/input/store'],
    ['/srv/store/input', '/srv/store'],
    ['/', '/srv/store'],
  ])('refuses the input directory %s with the file store %s', (input, store) => {
    const env = { QUIPU_WORKER_INPUT_DIR: input, QUIPU_WORKER_FILE_STORE_DIR: store };
    expect(() => read(env)).toThrow('must not lie within each other');
  });

  it('refuses directories that only a link keeps apart', () => {
    const directory = mkdtempSync(join(tmpdir(), 'quipu-config-'));
    mkdirSync(join(directory, 'input'));
    symlinkSync('input', join(directory, 'link'));
    const env = {
      QUIPU_WORKER_INPUT_DIR: join(directory, 'input'),
      QUIPU_WORKER_FILE_STORE_DIR: join(directory, 'link/not/yet'),
    };
    expect(() => read(env)).toThrow('must not lie within each other');
    const beside = { ...env, QUIPU_WORKER_FILE_STORE_DIR: join(directory, '..input') };
    expect(read(beside)).toMatchObject({ inputDir: join(directory, 'input') });
    rmSync(directory, { recursive: true });
  });

  it('hides what a URL may hold', () => {
    expect(() => read({ QUIPU_WORKER_JOBS_REDIS_URL: 'http://:secret@host' })).toThrow('(hidden)');
  });
});
