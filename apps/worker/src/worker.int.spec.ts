import { jest } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LIFECYCLE_QUEUE, parseEvent, QUEUE_PREFIX } from '@quipu/contracts';
import { createRedis } from '@quipu/platform';
import { type Job, type JobsOptions, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { repository, testRedis, type TestRedis } from '../../../test/support/index.js';

jest.setTimeout(120_000);

const PATIENCE_MS = 45_000;
/** Of a slow worker: its job takes a quarter of a minute. */
const SLOW = { QUIPU_WORKER_BYTES_PER_SECOND: '8000' };
/** Of workers whose jobs go to others soon after they were heard of last. */
const HASTY = { QUIPU_WORKER_LOCK_MS: '1500' };

interface Event {
  readonly type: string;
  readonly subject: string;
  readonly data: Record<string, unknown>;
}

describe('a worker process', () => {
  let services: TestRedis;
  let connection: Redis;
  let ledger: Queue;
  let jobs: Queue;
  let directory: string;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    services = await testRedis();
    connection = createRedis(services.url, 'consumer');
  });
  afterAll(async () => {
    connection.disconnect();
    await services.release();
  });
  beforeEach(async () => {
    ledger = new Queue(LIFECYCLE_QUEUE, { connection, prefix: QUEUE_PREFIX });
    jobs = new Queue('builds', { connection, prefix: '{jobs}' });
    directory = await mkdtemp(join(tmpdir(), 'quipu-worker-'));
    await mkdir(join(directory, 'input/tree'), { recursive: true });
    await writeFile(join(directory, 'input/tree/a'), Buffer.alloc(120_000, 'a'));
    await writeFile(join(directory, 'secret'), 'outside');
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await Promise.all([ledger.close(), jobs.close()]);
    await services.redis.flushdb();
    await rm(directory, { recursive: true });
  });

  function worker(env: NodeJS.ProcessEnv = {}): ChildProcess {
    const args = ['--no-warnings', '--import', './tools/ts.mjs', 'apps/worker/src/main.ts'];
    const child = spawn(process.execPath, args, {
      cwd: repository,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...{ PATH: process.env['PATH'], REDIS_URL: services.url, QUIPU_LOG_LEVEL: 'warn' },
        ...{ QUIPU_WORKER_TENANT: 'acme', QUIPU_WORKER_QUEUES: 'builds', QUIPU_WORKER_JOBS_PREFIX: '{jobs}' },
        ...{ QUIPU_WORKER_NAME: 'w-1', QUIPU_WORKER_POOL: 'east', QUIPU_WORKER_ARCHITECTURES: 'arm64,armhf' },
        ...{ QUIPU_WORKER_INPUT_DIR: join(directory, 'input'), QUIPU_WORKER_LOCK_MS: '15000' },
        ...{ QUIPU_WORKER_FILE_STORE_DIR: join(directory, 'store'), QUIPU_SHUTDOWN_SECONDS: '3', ...env },
      },
    });
    children.push(child);
    return child;
  }

  async function until(condition: () => Promise<boolean>): Promise<void> {
    for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline;) {
      if (await condition()) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`in vain; ${JSON.stringify(await jobs.getJobCounts())}`);
  }

  /** What reached Quipu's queue, oldest first; each of it must be an event of the catalogue. */
  async function reported(): Promise<Event[]> {
    const all = await ledger.getJobs(['waiting'], 0, -1, true);
    return all
      .flatMap((job) => job.data as Event[])
      .map((event) => {
        const parsed = parseEvent(event, { nowMs: Date.now(), maxAgeMs: 60_000, backfill: false });
        expect(parsed).toMatchObject({ ok: true });
        return event;
      });
  }

  const add = (task: string, data: object, opts: JobsOptions = {}): Promise<Job> =>
    jobs.add(task, data, opts);
  const isIn = (job: Job, state: string) => async () => (await job.getState()) === state;
  const inStore = async (of: string) => readdir(join(directory, 'store', of)).catch(() => []);
  const types = (events: readonly Event[], kind: string) =>
    events.map(({ type }) => type).filter((type) => type.startsWith(kind));

  it('makes artifacts, reports them with their sizes, and refuses what leads elsewhere', async () => {
    const good = [
      await add('checksum', { path: 'tree', user: 'ada' }),
      await add('compress', { path: 'tree/a', nodes: 3 }),
      await add('archive', { path: 'tree' }),
    ];
    const bad = [
      await add('checksum', { path: '../secret' }, { attempts: 3 }),
      await add('checksum', { path: 7 }, { attempts: 3 }),
      await add('format-disk', { path: 'tree' }, { attempts: 3 }),
    ];
    const late = await add('checksum', { path: 'late' }, { attempts: 9, backoff: 100 });
    const child = worker();
    for (const job of good) await until(isIn(job, 'completed'));
    for (const job of bad) await until(isIn(job, 'failed'));
    await until(async () => ((await jobs.getJob(late.id!))?.attemptsMade ?? 0) > 0);
    await writeFile(join(directory, 'input/late'), 'here now');
    await until(isIn(late, 'completed'));
    expect(
      (await Promise.all(bad.map((job) => jobs.getJob(job.id!)))).map((job) => job?.attemptsMade),
    ).toEqual([1, 1, 1]);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);

    const events = await reported();
    const artifacts = events.filter(({ type }) => type === 'artifact.created');
    expect(artifacts.map(({ data }) => data['category']).sort()).toEqual([
      ...['archive', 'checksums', 'checksums', 'compressed-file'],
    ]);
    const sizes = artifacts.flatMap(({ data }) => data['files'] as { size: number; path: string }[]);
    for (const { subject, data } of artifacts) {
      const [file] = data['files'] as { size: number; path: string }[];
      const path = join(directory, 'store/artifacts', subject.slice('artifact/'.length), 'files', file!.path);
      expect((await stat(path)).size).toBe(file!.size);
    }
    expect(artifacts.some(({ data }) => data['user'] === 'ada')).toBe(true);
    expect(await inStore('artifacts')).toHaveLength(4);
    expect(await inStore('drafts')).toEqual([]);
    expect(events.findLast(({ type }) => type === 'file_store.set')).toMatchObject({
      subject: 'file_store/worker',
      data: { backend: 'Local', totalSize: sizes.reduce((sum, { size }) => sum + size, 0) },
    });
    expect(events.find(({ type }) => type === 'worker.registered')).toMatchObject({
      subject: 'worker/w-1/builds',
      data: { pool: 'east', architectures: ['arm64', 'armhf'], concurrency: 2 },
    });
    expect(events.filter(({ type, data }) => type === 'job.started' && data['nodes'] === 3)).toHaveLength(1);
    expect(types(events, 'worker.').at(-1)).toBe('worker.disconnected');
  });

  it('that is killed leaves its job to another, and no half artifact', async () => {
    const job = await add('compress', { path: 'tree/a' });
    const first = worker({ ...SLOW, ...HASTY });
    await until(async () => (await inStore('drafts')).length > 0);
    first.kill('SIGKILL');
    await once(first, 'exit');
    expect(await inStore('artifacts')).toEqual([]);
    worker(HASTY);
    await until(isIn(job, 'completed'));
    expect(await inStore('drafts')).toEqual([]);
    const answer = (await jobs.getJob(job.id!))!.returnvalue as { id: string };
    expect(await inStore('artifacts')).toEqual([answer.id]);
    expect(answer.id).toMatch(/-2$/);
  });

  it('that is stopped so long that another takes its job publishes nothing when it goes on', async () => {
    const job = await add('compress', { path: 'tree/a' });
    const stopped = worker({ ...HASTY, QUIPU_WORKER_BYTES_PER_SECOND: '60000' });
    await until(async () => (await inStore('drafts')).length > 0);
    stopped.kill('SIGSTOP');
    worker({ ...HASTY, QUIPU_WORKER_NAME: 'w-2' });
    await until(isIn(job, 'completed'));
    stopped.kill('SIGCONT');
    const gone = once(stopped, 'exit');
    await until(async () => types(await reported(), 'job.aborted').length > 0);
    stopped.kill('SIGTERM');
    expect(await gone).toEqual([0, null]);
    expect(await inStore('drafts')).toEqual([]);
    expect((await inStore('artifacts')).map((id) => id.slice(-2))).toEqual(['-2']);
  });

  it('that is asked to end gives back within its deadline what it cannot finish', async () => {
    const job = await add('archive', { path: 'tree' });
    const child = worker(SLOW);
    await until(async () => (await inStore('drafts')).length > 0);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(await job.getState()).toBe('waiting');
    expect(await inStore('drafts')).toEqual([]);
    const events = await reported();
    expect(types(events, 'job.').slice(-2)).toEqual(['job.aborted', 'job.queued']);
    expect(types(events, 'worker.').at(-1)).toBe('worker.disconnected');
  });
});
