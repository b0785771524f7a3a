import { jest } from '@jest/globals';
import { TenantDirectory } from '@quipu/access';
import { LIFECYCLE_QUEUE, QUEUE_PREFIX } from '@quipu/contracts';
import { EventLog } from '@quipu/event-log';
import { createLogger, createPool, createRedis, systemClock } from '@quipu/platform';
import { Queue, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { cuttableProxy } from '../../test/cuttable-proxy.js';
import { sampleCloudEvent, until } from '../../test/sample-job.js';
import {
  testDatabase,
  type TestDatabase,
  testRedis,
  type TestRedis,
} from '../../../../test/support/index.js';
import { Ingest, type IngestOptions } from './ingest.js';

const ALL = { maxEvents: 100_000, maxBytes: 1 << 30 };

jest.setTimeout(30_000);

describe('the ingest', () => {
  let database: TestDatabase;
  let services: TestRedis;
  let connection: Redis;
  let queue: Queue;
  let log: EventLog;
  const running: Ingest[] = [];
  let start = 0n;

  beforeAll(async () => {
    database = await testDatabase();
    services = await testRedis();
    connection = createRedis(services.url, 'consumer');
    queue = new Queue(LIFECYCLE_QUEUE, { connection, prefix: QUEUE_PREFIX });
    log = new EventLog(database.pool);
  });
  beforeEach(async () => {
    start = (await log.head()).position;
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((ingest) => ingest.stop()));
    await queue.obliterate({ force: true });
    await database.pool.query('DELETE FROM dead_letters');
  });
  afterAll(async () => {
    await queue.close();
    connection.disconnect();
    await services.release();
    await database.drop();
  });

  function ingest(options: Partial<IngestOptions> = {}): Ingest {
    const made = new Ingest({
      redisUrl: services.url,
      log,
      tenants: new TenantDirectory(database.pool),
      tenantMode: 'auto',
      maxEventAgeDays: 400,
      clock: systemClock,
      logger: createLogger('test', 'silent'),
      ...options,
    });
    running.push(made);
    made.start();
    return made;
  }

  const send = (...data: unknown[]) => queue.addBulk(data.map((each) => ({ name: 'event', data: each })));
  const arrived = async () => (await log.readAfter(start, ALL)).map(({ id }) => id);
  const letters = async () =>
    (await database.pool.query('SELECT reason, tenant, raw, job_id FROM dead_letters ORDER BY id')).rows;
  async function drained(): Promise<void> {
    await until(async () => {
      const { waiting, active, delayed, prioritized } = await queue.getJobCounts();
      return !waiting && !active && !delayed && !prioritized;
    });
  }

  it('appends the events of jobs of every form and leaves nothing behind in Redis', async () => {
    const events = Array.from({ length: 8 }, () => sampleCloudEvent());
    const old = sampleCloudEvent({ time: '1993-10-01T00:00:00Z' });
    await send(events[0], [events[1], events[2]], { events: events.slice(3, 7) });
    await send({ events: [old], import: true });
    await queue.add('event', events[7], { priority: 5 });
    const made = ingest();
    await drained();
    expect((await arrived()).sort()).toEqual([...events, old].map(({ id }) => id).sort());
    expect(made.state()).toEqual({
      flowing: true,
      warnings: [],
      counters: expect.objectContaining({ jobs: 5, accepted: 9, appended: 9, duplicates: 0, deadLetters: 0 }),
    });
    expect(await queue.getJobCounts()).toMatchObject({ completed: 0, failed: 0, active: 0 });
    const { rows } = await database.pool.query(`SELECT origin FROM tenants WHERE id = 'acme'`);
    expect(rows).toEqual([{ origin: 'event' }]);
  });

  it('appends what is sent again only once', async () => {
    const event = sampleCloudEvent();
    await send(event, event, [event, event], { events: [event] });
    const made = ingest();
    await drained();
    expect(await arrived()).toEqual([event['id']]);
    expect(made.state().counters).toMatchObject({ appended: 1, duplicates: 4 });
  });

  it('keeps what became of each event with a job that is kept, in the order of the job', async () => {
    const [first, again, other] = [sampleCloudEvent(), sampleCloudEvent(), sampleCloudEvent()];
    const conflict = { ...first, data: { user: 'somebody else' } };
    const bad = sampleCloudEvent({ type: 'job.unheard' });
    await send(again);
    ingest();
    await drained();
    const job = await queue.add(
      'events',
      { events: [first, bad, again, conflict, other] },
      { removeOnComplete: { age: 60 } },
    );
    await until(async () => (await job.getState()) === 'completed');
    const kept = await queue.getJob(job.id!);
    expect(kept!.returnvalue).toEqual(['appended', 'refused', 'duplicate', 'conflict', 'appended']);
  });

  it('shares commits between jobs in flight', async () => {
    await send(...Array.from({ length: 600 }, () => sampleCloudEvent()));
    const made = ingest();
    await drained();
    const { appended, commits } = made.state().counters;
    expect(appended).toBe(600);
    expect(commits).toBeLessThan(100);
  });

  it('makes dead letters of what is malformed, with its bytes, and appends the rest of the batch', async () => {
    const good = [sampleCloudEvent(), sampleCloudEvent()];
    const bad = sampleCloudEvent({ type: 'job.unheard' });
    const [job] = await send({ events: [good[0], bad, good[1]] });
    await send({ events: 17 });
    const made = ingest();
    await drained();
    expect(await arrived()).toEqual(good.map(({ id }) => id));
    expect(await letters()).toEqual([
      { reason: 'unknown-type', tenant: 'acme', raw: Buffer.from(JSON.stringify(bad)), job_id: job!.id },
      { reason: 'malformed', tenant: null, raw: Buffer.from('{"events":17}'), job_id: expect.any(String) },
    ]);
    expect(made.state().counters).toMatchObject({ jobs: 2, appended: 2, deadLetters: 2 });
  });

  it('makes a dead letter of a job that is no JSON', async () => {
    const job = await queue.add('event', sampleCloudEvent());
    await connection.hset(`${queue.toKey(job.id!)}`, 'data', '{"specversion": cut');
    ingest();
    await drained();
    expect(await letters()).toMatchObject([{ reason: 'malformed', raw: Buffer.from('{"specversion": cut') }]);
  });

  it('refuses events of tenants that do not exist, where tenants are made by administrators only', async () => {
    const stranger = sampleCloudEvent({ tenant: 'stranger' });
    const known = sampleCloudEvent();
    const [job] = await send([stranger, known]);
    ingest({ tenantMode: 'strict' });
    await drained();
    expect(await arrived()).toEqual([known['id']]);
    const raw = Buffer.from(JSON.stringify(stranger));
    expect(await letters()).toEqual([{ reason: 'unknown-tenant', tenant: 'stranger', raw, job_id: job!.id }]);
  });

  it('gives jobs back while Postgres is away, without using an attempt, and goes on by itself', async () => {
    const proxy = await cuttableProxy(database.url);
    const pool = createPool(proxy.url);
    const made = ingest({
      log: new EventLog(pool),
      tenants: new TenantDirectory(pool),
      group: { holdMs: 200, longestBackOffMs: 100 },
    });
    const first = sampleCloudEvent();
    await send(first);
    await drained();
    proxy.cut();
    const events = Array.from({ length: 40 }, () => sampleCloudEvent());
    await send(...events);
    await until(() => made.state().counters.returned > 0);
    expect(made.state()).toMatchObject({
      flowing: false,
      warnings: [expect.stringContaining('takes no events')],
    });
    await until(async () => (await queue.getActiveCount()) === 0);
    const jobs = await queue.getWaiting();
    expect(jobs).toHaveLength(40);
    expect(jobs.map(({ attemptsMade, stalledCounter }) => [attemptsMade, stalledCounter])).toEqual(
      jobs.map(() => [0, 0]),
    );
    expect(await queue.getFailedCount()).toBe(0);
    proxy.mend();
    await drained();
    expect((await arrived()).sort()).toEqual([first, ...events].map(({ id }) => id).sort());
    await until(() => made.state().flowing);
    expect(made.state().warnings).toEqual([]);
    await made.stop();
    await pool.end();
    await proxy.close();
  });

  it('keeps what it holds through a short outage', async () => {
    const proxy = await cuttableProxy(database.url);
    const pool = createPool(proxy.url);
    const made = ingest({ log: new EventLog(pool), tenants: new TenantDirectory(pool) });
    proxy.cut();
    const events = Array.from({ length: 5 }, () => sampleCloudEvent());
    await send(...events);
    await until(() => !made.state().flowing);
    proxy.mend();
    await drained();
    expect((await arrived()).sort()).toEqual(events.map(({ id }) => id).sort());
    expect(made.state().counters).toMatchObject({ returned: 0, outages: 1 });
    await made.stop();
    await pool.end();
    await proxy.close();
  });

  it('goes on when Redis comes back, and stores once what was not acknowledged in between', async () => {
    const proxy = await cuttableProxy(services.url);
    const sent: unknown[] = [];
    const sendSome = async () => {
      const events = Array.from({ length: 300 }, () => sampleCloudEvent());
      sent.push(...events.map(({ id }) => id));
      await send(...events);
    };
    await sendSome();
    ingest({ redisUrl: proxy.url, lockMs: 1_000 });
    await until(async () => (await arrived()).length > 0);
    proxy.cut();
    await sendSome();
    proxy.mend();
    await drained();
    expect((await arrived()).sort()).toEqual(sent.sort());
    expect(await queue.getJobCounts()).toMatchObject({ failed: 0, completed: 0 });
    await Promise.all(running.splice(0).map((each) => each.stop()));
    await proxy.close();
  });

  it('stops within its time while Redis is away with jobs in hand', async () => {
    const proxy = await cuttableProxy(services.url);
    const cutting = {
      head: () => log.head(),
      append(batch: Parameters<EventLog['append']>[0]) {
        proxy.cut();
        return log.append(batch);
      },
    };
    const event = sampleCloudEvent();
    await send(event);
    const made = ingest({ redisUrl: proxy.url, log: cutting as unknown as EventLog, lockMs: 1_000 });
    await until(async () => (await arrived()).length === 1);
    await made.stop();
    await proxy.close();
    ingest({ lockMs: 1_000 });
    await drained();
    expect(await arrived()).toEqual([event['id']]);
  });

  it('finishes the commit under way when it is stopped, and leaves the rest in the queue', async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    let committing = 0;
    const slow = {
      head: () => log.head(),
      async append(batch: Parameters<EventLog['append']>[0]) {
        committing += batch.events.length;
        await gate;
        return log.append(batch);
      },
    };
    const events = Array.from({ length: 30 }, () => sampleCloudEvent());
    await send(...events);
    const made = ingest({ log: slow as unknown as EventLog, concurrency: 10 });
    await until(() => committing > 0);
    const stopped = made.stop();
    release();
    await stopped;
    const inLog = await arrived();
    const { waiting, active } = await queue.getJobCounts();
    expect(inLog.length).toBeGreaterThanOrEqual(committing);
    expect([inLog.length + waiting!, active]).toEqual([30, 0]);
  });

  it('gives jobs back when it is stopped while Postgres is away', async () => {
    const away = {
      append: () => Promise.reject(new Error('away')),
      head: () => Promise.reject(new Error('away')),
    };
    await send(...Array.from({ length: 10 }, () => sampleCloudEvent()));
    const made = ingest({ log: away as unknown as EventLog });
    await until(() => !made.state().flowing);
    await made.stop();
    expect(await queue.getJobCounts()).toMatchObject({ waiting: 10, active: 0, failed: 0 });
  });

  it('puts failed jobs back into the queue', async () => {
    const event = sampleCloudEvent();
    await send(event);
    const failing = new Worker(LIFECYCLE_QUEUE, () => Promise.reject(new Error('defect')), {
      connection,
      prefix: QUEUE_PREFIX,
    });
    failing.on('error', () => undefined);
    await until(async () => (await queue.getFailedCount()) === 1);
    await failing.close();
    const made = ingest();
    await until(async () => (await arrived()).length === 1);
    expect(made.state().counters.swept).toBe(1);
    await drained();
    expect(await queue.getFailedCount()).toBe(0);
  });

  it('holds no more data at once than it may', async () => {
    let [inFlight, most] = [0, 0];
    const watching = {
      head: () => log.head(),
      async append(batch: Parameters<EventLog['append']>[0]) {
        const result = await log.append(batch);
        most = Math.max(most, inFlight);
        return result;
      },
    };
    const filler = 'x'.repeat(50_000);
    const jobs = 60;
    await send(...Array.from({ length: jobs }, () => sampleCloudEvent({ data: { queue: 'q', filler } })));
    const tenants = new TenantDirectory(database.pool);
    const made = ingest({
      log: watching as unknown as EventLog,
      tenants: {
        async ensure(ids, mode) {
          inFlight = await queue.getActiveCount();
          return tenants.ensure(ids, mode);
        },
      },
      maxBytesInFlight: 500_000,
    });
    await drained();
    expect(made.state().counters.appended).toBe(jobs);
    expect(most).toBeGreaterThan(1);
    // The job that crosses the line is in already, and one more may be under way.
    expect(most).toBeLessThanOrEqual(13);
  });
});
