import { jest } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LIFECYCLE_QUEUE, QUEUE_PREFIX } from '@quipu/contracts';
import { createRedis } from '@quipu/platform';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { repository, testRedis, type TestRedis } from '../../../../test/support/index.js';

jest.setTimeout(60_000);

/** An event as it was put into the queue. */
interface Told {
  readonly type: string;
  readonly time: string;
  readonly data: { readonly error?: string; readonly life?: string };
}

/** Whether a process was stopped by a signal. */
async function isStopped(child: ChildProcess): Promise<boolean> {
  const stat = await readFile(`/proc/${child.pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
}

describe('a program with an instrumented worker', () => {
  let services: TestRedis;
  let connection: Redis;
  let queue: Queue;
  let child: ChildProcess | undefined;

  beforeAll(async () => {
    services = await testRedis();
    connection = createRedis(services.url, 'consumer');
    queue = new Queue(LIFECYCLE_QUEUE, { connection, prefix: QUEUE_PREFIX });
  });
  afterEach(async () => {
    child?.kill('SIGKILL');
    await services.redis.flushdb();
  });
  afterAll(async () => {
    await queue.close();
    connection.disconnect();
    await services.release();
  });

  async function program(ears: string, env: NodeJS.ProcessEnv = {}): Promise<ChildProcess> {
    const path = join(repository, 'test/fixtures/reporter/worker-program.mjs');
    const args = ['--no-warnings', '--import', './tools/ts.mjs', path, services.url, ears];
    child = spawn(process.execPath, args, {
      ...{ cwd: repository, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] },
    });
    await once(child.stdout!, 'data');
    return child;
  }

  const events = async () =>
    (await queue.getJobs(['waiting'], 0, -1, true)).flatMap((job) => job.data as Told[]);
  const reported = async () =>
    (await events()).map(({ type, data }) => (data.error === undefined ? type : `${type}: ${data.error}`));
  async function until(holds: () => Promise<boolean>): Promise<void> {
    for (let tries = 0; tries < 3_000 && !(await holds()); tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(await holds()).toBe(true);
  }

  it('that a signal ends says goodbye, for itself and its job, and ends by the signal', async () => {
    const one = await program('silent');
    one.kill('SIGTERM');
    expect(await once(one, 'exit')).toEqual([null, 'SIGTERM']);
    expect((await reported()).slice(-2)).toEqual([
      'job.aborted: its worker was stopped',
      'worker.disconnected',
    ]);
  });

  it('that listens for the signal finishes its job, and nothing needs to be waited for at its end', async () => {
    const one = await program('listens');
    one.kill('SIGTERM');
    expect(await once(one, 'exit')).toEqual([0, null]);
    expect((await reported()).slice(-2)).toEqual(['job.completed', 'worker.disconnected']);
  });

  it('that is killed loses no more than the last fifth of a second', async () => {
    const one = await program('silent');
    await until(async () => (await reported()).length >= 5);
    one.kill('SIGKILL');
    await once(one, 'exit');
    expect([...new Set(await reported())].sort()).toEqual([
      ...['job.queued', 'job.started', 'worker.connected', 'worker.heartbeat', 'worker.registered'],
    ]);
  });

  it('that is stopped for a while is heard of again afterwards, in the same life', async () => {
    const one = await program('silent', { QUIPU_WORKER_LEASE_SECONDS: '0.3' });
    const beats = async (after = 0) =>
      (await events()).filter(({ type, time }) => type === 'worker.heartbeat' && Date.parse(time) >= after);
    await until(async () => (await beats()).length > 1);
    one.kill('SIGSTOP');
    await until(() => isStopped(one));
    const stoppedAt = Date.now();
    // For some leases.
    await until(() => Promise.resolve(Date.now() - stoppedAt > 900));
    const goesOn = Date.now();
    one.kill('SIGCONT');
    await until(async () => (await beats(goesOn)).length > 0);
    const since = await beats(stoppedAt);
    expect(since.filter(({ time }) => Date.parse(time) < goesOn)).toEqual([]);
    const about = (await events()).filter(({ type }) => type.startsWith('worker.'));
    expect(about.filter(({ type }) => type !== 'worker.heartbeat')).toHaveLength(2);
    expect(new Set(about.map(({ data }) => data.life)).size).toBe(1);
  });
});
