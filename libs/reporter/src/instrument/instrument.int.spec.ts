import { jest } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Job } from 'bullmq';
import { testRedis, type TestRedis } from '../../../../test/support/index.js';
import { BULLMQ, BullRig, subjectOf, timeOf } from '../../test/bull-rig.js';

jest.setTimeout(60_000);

const SANDBOXED = fileURLToPath(
  new URL('../../../../test/fixtures/reporter/sandboxed-processor.mjs', import.meta.url),
);

describe.each(BULLMQ)('an instrumented queue and worker of %s', (_, bull) => {
  let redis: TestRedis;
  let rig: BullRig;

  beforeAll(async () => {
    redis = await testRedis();
  });
  beforeEach(() => {
    rig = new BullRig(bull, redis.url);
  });
  afterEach(async () => {
    await rig.close();
    await redis.redis.flushdb();
    expect(rig.errors).toEqual([]);
  });
  afterAll(async () => {
    await redis.release();
  });

  it('tell a job from its queue to its end, at the times that BullMQ keeps and the processor settles', async () => {
    const name = rig.name();
    let seen: Job | undefined;
    rig.worker(name, async (job) => {
      seen = job;
      await sleep(20);
    });
    const options = {
      user: (job: { data: unknown }) => (job.data as { user: string }).user,
      nodes: 3,
      labels: { backend: 'unshare' },
    };
    const job = await rig.queue(name, options).add('build', { user: 'ann' }, { priority: 4 });
    await rig.count('job.completed', 1);
    const [queued, started, completed] = rig.of(subjectOf(job));
    expect(rig.types(job)).toEqual(['job.queued 1', 'job.started 1', 'job.completed 1']);
    expect(queued).toMatchObject({
      tenant: 'acme',
      data: {
        queue: name,
        taskName: 'build',
        user: 'ann',
        nodes: 3,
        priority: 4,
        labels: { backend: 'unshare' },
      },
    });
    expect(timeOf(queued)).toBe(job.timestamp);
    expect(timeOf(started)).toBe(seen!.processedOn);
    expect(started?.data['waited']).toBe((seen!.processedOn! - job.timestamp) / 1000);
    expect(timeOf(completed) - timeOf(started)).toBeGreaterThanOrEqual(19);
    expect(completed?.data).toMatchObject({
      result: 'success',
      statistics: { duration: (timeOf(completed) - timeOf(started)) / 1000 },
    });
  });

  it('tell of jobs added in bulk, and until when they are delayed', async () => {
    const name = rig.name();
    const queue = rig.queue(name);
    const jobs = await queue.addBulk([
      { name: 'now', data: {} },
      { name: 'later', data: {}, opts: { delay: 60 } },
    ]);
    rig.worker(name, () => Promise.resolve());
    await rig.count('job.completed', 2);
    expect(jobs.map((job) => rig.types(job))).toEqual(
      jobs.map(() => ['job.queued 1', 'job.started 1', 'job.completed 1']),
    );
    const [first, later] = jobs.map((job) => rig.of(subjectOf(job))[0]!.data['delayUntil']);
    expect(first).toBeUndefined();
    expect(Date.parse(later as string)).toBe(jobs[1]!.timestamp + 60);
  });

  it('tell of retries: each attempt, whether it was the last, and when the next is due', async () => {
    const name = rig.name();
    rig.worker(name, (job) => Promise.reject(new Error(`attempt ${job.attemptsStarted}`)));
    const job = await rig
      .queue(name)
      .add('flaky', {}, { attempts: 3, backoff: { type: 'exponential', delay: 40 } });
    await rig.until(() => rig.events.filter(({ type }) => type === 'job.failed').length === 3);
    expect(rig.types(job)).toEqual([
      ...['job.queued 1', 'job.started 1', 'job.failed 1'],
      ...['job.queued 2', 'job.started 2', 'job.failed 2'],
      ...['job.queued 3', 'job.started 3', 'job.failed 3'],
    ]);
    const failed = rig.of().filter(({ type }) => type === 'job.failed');
    expect(
      failed.map(({ data }) => [data['final'], data['attemptsMade'], data['attempts'], data['error']]),
    ).toEqual([
      [false, 1, 3, 'attempt 1'],
      [false, 2, 3, 'attempt 2'],
      [true, 3, 3, 'attempt 3'],
    ]);
    const [, second, third] = rig.of().filter(({ type }) => type === 'job.queued');
    expect(Date.parse(second!.data['delayUntil'] as string)).toBe(timeOf(failed[0]) + 40);
    expect(Date.parse(third!.data['delayUntil'] as string)).toBe(timeOf(failed[1]) + 80);
  });

  it('tell of retries without delay, and of errors after which there is none', async () => {
    const name = rig.name();
    rig.worker(name, (job) =>
      Promise.reject(job.attemptsMade === 0 ? new Error('once') : new bull.UnrecoverableError('never')),
    );
    const job = await rig.queue(name).add('flaky', {}, { attempts: 5 });
    await rig.until(() => rig.types(job).at(-1) === 'job.failed 2');
    expect(rig.types(job)).toEqual([
      ...['job.queued 1', 'job.started 1', 'job.failed 1', 'job.started 2', 'job.failed 2'],
    ]);
    expect(rig.of(subjectOf(job)).at(-1)?.data['final']).toBe(true);
  });

  it('complete at its start a job that nobody reported when it was enqueued, and no other', async () => {
    const name = rig.name();
    const plain = await rig.plainQueue(name).add('plain', {}, { delay: 30 });
    const told = await rig.queue(name).add('told', {});
    rig.worker(name, () => Promise.resolve());
    await rig.count('job.completed', 2);
    for (const job of [plain, told]) {
      expect(rig.types(job)).toEqual(['job.queued 1', 'job.started 1', 'job.completed 1']);
    }
    const [queued] = rig.of(subjectOf(plain));
    expect(timeOf(queued)).toBe(plain.timestamp);
    expect(Date.parse(queued!.data['delayUntil'] as string)).toBe(plain.timestamp + 30);
  });

  it('tell of a job once that is added again under the same id', async () => {
    const name = rig.name();
    const queue = rig.queue(name);
    const first = await queue.add('one', {}, { jobId: 'same' });
    await sleep(5);
    await queue.add('again', {}, { jobId: 'same' });
    await queue.addBulk([{ name: 'more', data: {}, opts: { jobId: 'same' } }]);
    const [once] = [await queue.add('d', {}, { deduplication: { id: 'x' } })];
    await sleep(5);
    await queue.add('d', {}, { deduplication: { id: 'x' } });
    await rig.count('job.queued', 5);
    expect(new Set(rig.of().map(({ subject }) => subject))).toEqual(
      new Set([subjectOf(first), subjectOf(once)]),
    );
  });

  it('tell of the jobs of a schedule, the next one included, under one name each', async () => {
    const name = rig.name();
    const queue = rig.queue(name);
    rig.worker(name, () => Promise.resolve());
    await queue.upsertJobScheduler('tick', { every: 400 }, { name: 'tick', data: {} });
    await rig.count('job.completed', 2);
    // The one ahead is there before it is due.
    await rig.until(() => rig.of().at(-1)?.type === 'job.queued');
    await queue.removeJobScheduler('tick');
    // Nothing is left waiting: what the schedule had ahead went with it.
    await rig.until(() => {
      const open = new Set(rig.of().map(({ subject }) => subject));
      for (const { subject, type } of rig.of()) {
        if (type === 'job.completed' || type === 'job.removed') open.delete(subject);
      }
      return open.size === 0;
    });
    const ended = rig.of().filter(({ type }) => type === 'job.completed');
    for (const { subject } of ended) {
      const [first] = rig.of(subject);
      const millis = Number(/repeat:tick:(\d+)@/.exec(subject)![1]);
      expect(first?.type).toBe('job.queued');
      const due = first?.data['delayUntil'];
      if (due !== undefined) expect(Date.parse(due as string)).toBe(millis);
      expect(new Set(rig.of(subject).map(({ type }) => type)).size).toBe(3);
    }
  });

  it('tell that a job that a schedule had ahead is gone when the schedule changes', async () => {
    const queue = rig.queue(rig.name());
    const opts = { name: 'tick', data: {} };
    await queue.upsertJobScheduler('tick', { pattern: '0 0 1 1 *' }, opts);
    await rig.count('job.queued', 1);
    await sleep(3);
    await queue.upsertJobScheduler('tick', { pattern: '0 0 1 1 *' }, opts);
    await rig.until(() => rig.events.length === 3);
    const [before, ...after] = rig.of();
    expect(after.map(({ type, subject }) => [type, subject === before!.subject]).sort()).toEqual([
      ['job.queued', false],
      ['job.removed', true],
    ]);
  });

  it('tell of a flow: the parent is blocked until its last child is done', async () => {
    const [parents, children] = [rig.name(), rig.name()];
    const tree = await rig.flows().add({
      name: 'parent',
      queueName: parents,
      data: {},
      children: [
        { name: 'a', queueName: children, data: {} },
        { name: 'b', queueName: children, data: {} },
      ],
    });
    rig.worker(children, () => sleep(10), { concurrency: 2 });
    await rig.until(() => rig.types(tree.job).includes('job.unblocked 1'));
    rig.worker(parents, () => Promise.resolve());
    await rig.until(() => rig.types(tree.job).includes('job.completed 1'));
    const order = [...new Set(rig.types(tree.job))];
    expect(order).toEqual(
      ['queued', 'blocked', 'unblocked', 'started', 'completed'].map((type) => `job.${type} 1`),
    );
    const last = Math.max(
      ...rig
        .of()
        .filter(({ data }) => data['queue'] === children)
        .map(timeOf),
    );
    const unblocked = rig.of(subjectOf(tree.job)).find(({ type }) => type === 'job.unblocked');
    expect(timeOf(unblocked)).toBeGreaterThanOrEqual(last);
    for (const { job } of tree.children!) {
      expect(rig.types(job)).toEqual(['job.queued 1', 'job.started 1', 'job.completed 1']);
    }
  });

  it('tell of a job that adds its children while it runs: it waits from the last one’s end', async () => {
    const [parents, children] = [rig.name(), rig.name()];
    const queue = rig.queue(parents);
    const childQueue = rig.queue(children);
    let plugged = true;
    const finish = async () => {
      while (plugged) await sleep(5);
    };
    rig.worker(parents, async (job, token) => {
      if (job.name === 'plug') return finish();
      if (job.attemptsStarted !== 1) return;
      const parent = { id: job.id!, queue: job.queueQualifiedName };
      for (const name of ['a', 'b']) await childQueue.add(name, {}, { parent });
      if (await job.moveToWaitingChildren(token!)) throw new bull.WaitingChildrenError();
    });
    const job = await queue.add('parent', {});
    const plug = await queue.add('plug', {});
    // The worker is busy with another job when the children are done: their parent waits for it.
    await rig.until(() => rig.types(plug).includes('job.started 1'));
    rig.worker(children, () => Promise.resolve());
    await rig.until(() => rig.types(job).includes('job.unblocked 2'));
    plugged = false;
    await rig.until(() => rig.types(job).includes('job.completed 2'));
    expect([...new Set(rig.types(job))]).toEqual([
      ...['job.queued 1', 'job.started 1', 'job.aborted 1', 'job.queued 2', 'job.blocked 2'],
      ...['job.unblocked 2', 'job.started 2', 'job.completed 2'],
    ]);
  });

  it('do not take a parent that failed and backs off for one that its children held up', async () => {
    const [parents, children] = [rig.name(), rig.name()];
    const childQueue = rig.queue(children);
    rig.worker(parents, async (job) => {
      if (job.attemptsStarted !== 1) return;
      await childQueue.add('a', {}, { parent: { id: job.id!, queue: job.queueQualifiedName } });
      throw new Error('once');
    });
    const backoff = { type: 'fixed', delay: 600 };
    const job = await rig.queue(parents).add('parent', {}, { attempts: 2, backoff });
    await rig.until(() => rig.types(job).includes('job.queued 2'));
    rig.worker(children, () => Promise.resolve());
    await rig.until(() => rig.types(job).includes('job.completed 2'));
    expect(rig.types(job).filter((type) => type.includes('blocked'))).toEqual([]);
  });

  it('tell of a worker that gives a job back because of a rate limit, or puts it off', async () => {
    const name = rig.name();
    const worker = rig.worker(name, async (job, token) => {
      if (job.attemptsStarted === 1) {
        await rig.plainQueue(name).rateLimit(30);
        throw bull.Worker.RateLimitError();
      }
      if (job.attemptsStarted === 2) {
        await job.moveToDelayed(Date.now() + 50, token);
        throw new bull.DelayedError();
      }
    });
    const job = await rig.queue(name).add('limited', {});
    await rig.until(() => rig.types(job).includes('job.completed 3'));
    expect(rig.types(job)).toEqual([
      ...['job.queued 1', 'job.started 1', 'job.aborted 1'],
      ...['job.queued 2', 'job.started 2', 'job.aborted 2'],
      ...['job.queued 3', 'job.started 3', 'job.completed 3'],
    ]);
    const delayed = rig.of(subjectOf(job)).filter(({ data }) => data['delayUntil'] !== undefined);
    expect(delayed.map(({ data }) => data['attempt'])).toEqual([3]);
    expect(worker.concurrency).toBe(1);
  });

  it('tell of a rate limit of the worker as of waiting', async () => {
    const name = rig.name();
    rig.worker(name, () => Promise.resolve(), { limiter: { max: 1, duration: 50 } });
    const jobs = await rig.queue(name).addBulk([1, 2, 3].map((n) => ({ name: String(n), data: {} })));
    await rig.count('job.completed', 3);
    for (const job of jobs)
      expect(rig.types(job)).toEqual(['job.queued 1', 'job.started 1', 'job.completed 1']);
    const last = rig.of(subjectOf(jobs[2]!)).find(({ type }) => type === 'job.started');
    expect(last?.data['waited']).toBeGreaterThanOrEqual(0.09);
  });

  it('tell of a sandboxed processor as of any other', async () => {
    const name = rig.name();
    rig.worker(name, SANDBOXED);
    const queue = rig.queue(name);
    const good = await queue.add('good', {});
    const bad = await queue.add('bad', { fail: true });
    await rig.until(() => rig.types(bad).includes('job.failed 1'));
    expect(rig.types(good)).toEqual(['job.queued 1', 'job.started 1', 'job.progressed 1', 'job.completed 1']);
    expect(rig.of(subjectOf(good))[2]?.data['progress']).toBe(50);
    expect(rig.of(subjectOf(bad)).at(-1)?.data).toMatchObject({ error: 'as told', final: true });
  });
});
