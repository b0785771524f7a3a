import { jest } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { LIFECYCLE_QUEUE, QUEUE_PREFIX } from '@quipu/contracts';
import { createRedis } from '@quipu/platform';
import type { Job, JobNode } from 'bullmq';
import { testRedis, type TestRedis } from '../../../../test/support/index.js';
import { BULLMQ, BullRig, subjectOf, timeOf } from '../../test/bull-rig.js';
import { instrument } from './instrument.js';

jest.setTimeout(60_000);

describe.each(BULLMQ)('when things go wrong or end, an instrumented queue and worker of %s', (_, bull) => {
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

  it('tell of a stalled job: it waits again, and the next start is another attempt', async () => {
    const name = rig.name();
    const job = await rig.queue(name).add('lost', {});
    const dead = rig.worker(name, () => Promise.resolve(), { autorun: false, lockDuration: 50 });
    expect((await dead.getNextJob('token'))?.id).toBe(job.id);
    await dead.close();
    rig.worker(name, () => Promise.resolve(), { stalledInterval: 60 });
    await rig.until(() => rig.types(job).includes('job.completed 2'));
    await rig.until(() => rig.types(job).includes('job.queued 2'));
    expect(rig.types(job).sort()).toEqual([
      'job.completed 2',
      'job.queued 1',
      'job.queued 2',
      'job.started 2',
    ]);
    const again = rig.of(subjectOf(job)).find(({ data }) => data['stalled'] !== undefined)!;
    expect(again.data).toMatchObject({ stalled: 1, error: expect.stringContaining('stalled') });
  });

  it('tell the true end of a run whose job another worker has taken meanwhile', async () => {
    const name = rig.name();
    let hold = true;
    const slow = rig.worker(
      name,
      async () => {
        while (hold) await sleep(5);
      },
      { lockDuration: 50, skipLockRenewal: true, skipStalledCheck: true },
    );
    const job = await rig.queue(name).add('lost', {});
    await rig.count('job.started', 1);
    await slow.pause(true);
    rig.worker(name, () => sleep(50), { stalledInterval: 60 });
    await rig.until(() => rig.types(job).includes('job.started 2'));
    hold = false;
    await rig.until(
      () => rig.types(job).includes('job.completed 2') && rig.types(job).includes('job.aborted 1'),
    );
    expect(new Set(rig.types(job))).toEqual(
      new Set(
        ['queued 1', 'started 1', 'queued 2', 'started 2', 'completed 2', 'aborted 1'].map((t) => `job.${t}`),
      ),
    );
  });

  it('tell of jobs that are taken out of the queue, one by one and all at once', async () => {
    const name = rig.name();
    const queue = rig.queue(name);
    const add = (opts = {}) => queue.add('x', {}, opts);
    const [one, two, three, later] = [await add(), await add(), await add(), await add({ delay: 60_000 })];
    await queue.remove(one.id!);
    await two.remove();
    await rig.count('job.removed', 2);
    await queue.drain(true);
    await rig.count('job.removed', 4);
    const done = await add();
    const worker = rig.worker(name, () => Promise.resolve());
    await rig.until(() => rig.types(done).includes('job.completed 1'));
    await worker.close();
    const rest = await add();
    await queue.clean(0, 100, 'completed');
    await rig.count('job.removed', 5);
    await queue.obliterate();
    await rig.count('job.removed', 6);
    for (const job of [one, two, three, later, done, rest]) {
      expect(rig.types(job).filter((type) => type === 'job.removed')).toHaveLength(1);
    }
  });

  it('tell of a job whose place another one takes, added alone or in bulk', async () => {
    const queue = rig.queue(rig.name());
    const opts = { delay: 60_000, deduplication: { id: 'x', ttl: 60_000, replace: true } };
    const first = await queue.add('x', { n: 1 }, opts);
    await rig.count('job.queued', 1);
    const second = await queue.add('x', { n: 2 }, opts);
    await rig.count('job.removed', 1);
    await rig.count('job.queued', 2);
    const [third] = await queue.addBulk([{ name: 'x', data: { n: 3 }, opts }]);
    await rig.count('job.removed', 2);
    await rig.count('job.queued', 3);
    expect([first, second, third!].map((job) => rig.types(job))).toEqual([
      ['job.queued 1', 'job.removed'],
      ['job.queued 1', 'job.removed'],
      ['job.queued 1'],
    ]);
  });

  it('tell of the children that are taken out with their parent, and of none that stay', async () => {
    const [parents, children] = [rig.name(), rig.name()];
    const child = (name: string) => ({ name, queueName: children, data: {} });
    const flow = (opts = {}) =>
      rig.flows().add({
        ...{ name: 'parent', queueName: parents, data: {}, opts },
        children: [child('a'), { ...child('b'), children: [child('c')] }],
      });
    const [whole, kept] = [await flow(), await flow()];
    const below = ({ children: all = [] }: JobNode): Job[] => all.flatMap((one) => [one.job, ...below(one)]);
    const queue = rig.queue(parents);
    await queue.remove(whole.job.id!);
    await queue.remove(kept.job.id!, { removeChildren: false });
    await rig.until(() => rig.types(kept.job).includes('job.removed'));
    await rig.count('job.removed', 5);
    for (const job of [whole.job, ...below(whole)]) expect(rig.types(job).at(-1)).toBe('job.removed');
    for (const job of below(kept)) expect(rig.types(job).at(-1)).not.toBe('job.removed');
    expect(below(whole)).toHaveLength(3);
  });

  it('tell of all jobs that are drained, though the queue is closed at once', async () => {
    const queue = rig.queue(rig.name());
    const jobs = await queue.addBulk(Array.from({ length: 450 }, () => ({ name: 'x', data: {} })));
    await queue.drain();
    await queue.close();
    await rig.reporter.flush();
    expect(rig.of().filter(({ type }) => type === 'job.removed')).toHaveLength(jobs.length);
  });

  it('tell that a parent’s last child is done, though its worker is closed at once', async () => {
    const [parents, children] = [rig.name(), rig.name()];
    const tree = await rig.flows().add({
      ...{ name: 'parent', queueName: parents, data: {} },
      children: [{ name: 'child', queueName: children, data: {} }],
    });
    let finish: (() => void) | undefined;
    const worker = rig.worker(children, () => new Promise<void>((resolve) => (finish = resolve)));
    await rig.until(() => finish !== undefined);
    const closed = worker.close();
    finish!();
    await closed;
    await rig.reporter.flush();
    expect(rig.types(tree.job)).toContain('job.unblocked 1');
  });

  it('read few jobs to clean a few of many, or none because they ended too lately', async () => {
    const name = rig.name();
    const queue = rig.queue(name);
    const jobs = await queue.addBulk(Array.from({ length: 300 }, () => ({ name: 'x', data: {} })));
    const worker = rig.worker(name, () => Promise.resolve(), { concurrency: 50 });
    await rig.count('job.completed', jobs.length);
    await worker.close();
    const left = await rig.plainQueue(name).addBulk(jobs.map(() => ({ name: 'waits', data: {} })));
    let read = 0;
    const getJobs = queue.getJobs.bind(queue);
    queue.getJobs = async (...args) => {
      const page = await getJobs(...args);
      read += page.length;
      return page;
    };
    expect(await queue.clean(60_000, 1_000, 'completed')).toEqual([]);
    expect(read).toBe(10);
    const cleaned = [...(await queue.clean(0, 5, 'completed')), ...(await queue.clean(0, 7, 'wait'))];
    await rig.count('job.removed', 12);
    expect(read).toBeLessThan(240);
    const gone = rig.of().filter(({ type }) => type === 'job.removed');
    const ids = gone.map(({ subject }) => /([^/]*)@/.exec(subject)![1]);
    expect(ids.sort()).toEqual(cleaned.sort());
    // The oldest are cleaned first.
    expect(cleaned).toContain(left[0]!.id);
  });

  it('tell of progress now and then, not each time', async () => {
    const name = rig.name();
    rig.worker(
      name,
      async (job) => {
        for (let i = 1; i <= 20; i += 1) await job.updateProgress(i);
        await sleep(60);
        await job.updateProgress({ stage: 'end' });
      },
      {},
      { progressMs: 50 },
    );
    const job = await rig.queue(name).add('x', {});
    await rig.count('job.completed', 1);
    const told = rig.of(subjectOf(job)).filter(({ type }) => type === 'job.progressed');
    expect(told.length).toBeGreaterThanOrEqual(2);
    const between = told.slice(1).map((event, i) => timeOf(event) - timeOf(told[i]));
    expect(Math.min(...between)).toBeGreaterThanOrEqual(50);
    expect(told[0]?.data).toEqual({ attempt: 1, progress: 1 });
  });

  it('tell of the worker: registered, connected, heard of, and gone once it is closed', async () => {
    const name = rig.name();
    const fleet = { pool: 'builders', architectures: ['amd64', 'i386'] };
    const worker = rig.worker(
      name,
      () => Promise.resolve(),
      { concurrency: 7 },
      { worker: fleet, leaseSeconds: 0.15 },
    );
    const job = await rig.queue(name).add('x', {});
    await rig.count('job.completed', 1);
    await rig.count('worker.heartbeat', 2);
    await Promise.all([worker.close(), worker.close()]);
    const about = rig.of().filter(({ type }) => type.startsWith('worker.'));
    expect([...new Set(about.map(({ type }) => type))]).toEqual(
      ['registered', 'connected', 'heartbeat', 'disconnected', 'retired'].map((type) => `worker.${type}`),
    );
    const [{ tenant, subject, data }] = about as [(typeof about)[number]];
    expect(tenant).toBe('superadmin');
    expect(data).toMatchObject({ type: 'external', concurrency: 7, enabled: true, ...fleet });
    expect(rig.of(subjectOf(job))[1]?.data['worker']).toBe(subject.slice('worker/'.length));
    const lives = new Set(about.map((event) => event.data['life']));
    expect([...lives]).toEqual([expect.stringMatching(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-/)]);
    const { length } = rig.of(subject);
    // Another worker's heartbeats are the clock: by the third, a timer that was left running would have told too.
    const clock = { worker: { id: 'clock' }, leaseSeconds: 0.15 };
    rig.worker(rig.name(), () => Promise.resolve(), {}, clock);
    const beats = () => rig.of('worker/clock').filter(({ type }) => type === 'worker.heartbeat').length;
    await rig.until(() => beats() >= 3);
    expect(rig.of(subject)).toHaveLength(length);
    expect(lives.has(rig.of('worker/clock')[0]?.data['life'])).toBe(false);
  });

  it('do not retire a worker that has a name', async () => {
    const description = { id: 'w-1', tenant: 'acme' };
    const worker = rig.worker(rig.name(), () => Promise.resolve(), {}, { worker: description });
    await worker.waitUntilReady();
    await worker.close();
    expect(rig.of().map(({ type, tenant, subject }) => [type, tenant, subject])).toEqual(
      ['registered', 'connected', 'heartbeat', 'disconnected'].map((type) => [
        ...[`worker.${type}`, 'acme', 'worker/w-1'],
      ]),
    );
  });

  it('name a worker to their jobs as it names itself, or not at all if its tenant is none', async () => {
    const worker = { id: 'w'.repeat(600), pool: 'p'.repeat(201) };
    const names = [rig.name(), rig.name()] as const;
    rig.worker(names[0], () => Promise.resolve(), {}, { worker });
    rig.worker(names[1], () => Promise.resolve(), {}, { worker: { id: 'w', tenant: 'no tenant' } });
    const jobs = await Promise.all(names.map((name) => rig.queue(name).add('x', {})));
    await rig.count('job.completed', 2);
    const registered = rig.of().filter(({ type }) => type === 'worker.registered');
    expect(registered).toHaveLength(1);
    const workers = jobs.map((job) => rig.of(subjectOf(job))[1]?.data['worker']);
    expect(workers).toEqual([registered[0]!.subject.slice('worker/'.length), undefined]);
    expect(rig.errors.splice(0)).toEqual(['worker: no tenant is no tenant id']);
  });

  it.each(['options', 'a connection'])('report to where the jobs are, told by %s', async (how) => {
    const name = rig.name();
    const connection = how === 'options' ? rig.connection : createRedis(redis.url, 'consumer');
    const queue = instrument(new bull.Queue(name, { connection }), { tenant: 'acme' });
    const worker = instrument(new bull.Worker(name, () => Promise.resolve(), { connection }), {
      tenant: 'acme',
    });
    const done = new Promise((resolve) => worker.on('completed', resolve));
    await queue.add('x', {});
    await done;
    await Promise.all([worker.close(), queue.close()]);
    const events = rig.plainQueue(LIFECYCLE_QUEUE, { prefix: QUEUE_PREFIX });
    const jobs = await events.getJobs(['waiting'], 0, -1, true);
    expect(
      jobs
        .flatMap((job) => job.data as { type: string }[])
        .map(({ type }) => type)
        .sort(),
    ).toEqual([
      ...['job.completed', 'job.queued', 'job.started'],
      ...[
        'worker.connected',
        'worker.disconnected',
        'worker.heartbeat',
        'worker.registered',
        'worker.retired',
      ],
    ]);
    if ('disconnect' in connection) connection.disconnect();
  });

  it('are themselves again, hooked once, whatever the options throw', async () => {
    const name = rig.name();
    const broken = () => {
      throw new Error('no tenant');
    };
    const queue = rig.queue(name, { tenant: broken });
    expect(instrument(queue, rig.options())).toBe(queue);
    const worker = rig.worker(name, () => Promise.resolve(7), {}, { tenant: broken });
    const done = new Promise((resolve) => worker.on('completed', (_job, result) => resolve(result)));
    await queue.add('x', {});
    expect(await done).toBe(7);
    await worker.close();
    expect(rig.events).toEqual([]);
    expect(rig.errors.splice(0)).toContain('no tenant');
  });
});

it('what is neither queue nor worker is refused', () => {
  const other = { opts: {}, close: () => Promise.resolve() };
  expect(() => instrument(other, { tenant: 'acme' })).toThrow(TypeError);
});
