import { jest } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { LIFECYCLE_QUEUE, parseEvent, parseQueuePayload, QUEUE_PREFIX } from '@quipu/contracts';
import { createRedis } from '@quipu/platform';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { testRedis, type TestRedis } from '../../../test/support/index.js';
import { Proxy } from '../test/proxy.js';
import type { ReporterConnection } from './connection.js';
import { QueueSender } from './queue-sender.js';
import { createReporter, Reporter } from './reporter.js';

jest.setTimeout(60_000);

/** For a machine that is busy with other things. */
const PATIENT = { deadlineMs: 40_000 };

describe('a reporter and the queue', () => {
  let services: TestRedis;
  let connection: Redis;
  let queue: Queue;

  beforeAll(async () => {
    services = await testRedis();
    connection = createRedis(services.url, 'consumer');
    queue = new Queue(LIFECYCLE_QUEUE, { connection, prefix: QUEUE_PREFIX });
  });
  afterEach(async () => {
    await queue.obliterate({ force: true });
    await queue.resume();
  });
  afterAll(async () => {
    await queue.close();
    connection.disconnect();
    await services.release();
  });

  const report = (reporter: Reporter, count: number, from = 0): void => {
    for (let i = from; i < from + count; i += 1) {
      reporter.report({ type: 'job.queued', subject: `job/q/${i}@1`, data: { queue: 'q"\u2028' } });
    }
  };
  const jobs = () => queue.getJobs(['waiting'], 0, -1, true);
  const subjects = async () => {
    const events = (await jobs()).flatMap((job) => {
      const payload = parseQueuePayload(job.data);
      if ('error' in payload) throw new Error(payload.error);
      return payload.events.map((raw) =>
        parseEvent(raw, { nowMs: Date.now(), maxAgeMs: 60_000, backfill: false }),
      );
    });
    return events.map((result) => (result.ok ? result.event.subject : result.detail));
  };
  const all = (count: number) => Array.from({ length: count }, (_, i) => `job/q/${i}@1`);

  it.each<[string, (url: URL, redis: Redis) => ReporterConnection]>([
    ['a URL', (url) => url.href],
    ['options with a URL', (url) => ({ url: url.href })],
    [
      'options',
      (url) => ({
        host: url.hostname,
        port: Number(url.port),
        password: decodeURIComponent(url.password),
        db: Number(url.pathname.slice(1)),
      }),
    ],
    ['a connection', (_, redis) => redis],
  ])('meet over %s: one job per 500 events, in order', async (_, of) => {
    const reporter = createReporter({ connection: of(new URL(services.url), connection), tenant: 'acme' });
    report(reporter, 1_100);
    expect(await reporter.close(PATIENT)).toBe(0);
    expect((await jobs()).map((job) => (job.data as unknown[]).length)).toEqual([500, 500, 100]);
    expect(await subjects()).toEqual(all(1_100));
  });

  it('meet again after the way was cut under load: nothing is missing, and ids tell what came twice', async () => {
    const proxy = new Proxy(new URL(services.url));
    const reporter = createReporter({ connection: await proxy.open(), tenant: 'acme' });
    for (let i = 0; i < 100; i += 1) {
      report(reporter, 20, i * 20);
      if (i === 30) await proxy.cut();
      if (i === 70) await proxy.open();
      await sleep(10);
    }
    expect(await reporter.close(PATIENT)).toBe(0);
    await proxy.cut();
    expect([...new Set(await subjects())]).toEqual(all(2_000));
    const sent = (await jobs()).flatMap((job) => job.data as { id: string; subject: string }[]);
    expect(new Set(sent.map(({ id }) => id)).size).toBe(2_000);
    expect(reporter.stats()).toEqual({ sent: 2_000, buffered: 0, dropped: 0, refused: 0 });
  });

  it('that hangs: the connection is given up, and the next one takes what is there', async () => {
    const proxy = new Proxy(new URL(services.url));
    const connection = await proxy.open();
    const told: string[] = [];
    const onError = (error: Error) => void told.push(error.message);
    const reporter = new Reporter({ connection, tenant: 'acme', onError }, new QueueSender(connection, 500));
    report(reporter, 1);
    expect(await reporter.flush(PATIENT)).toBe(0);
    proxy.stall();
    report(reporter, 9, 1);
    expect(await reporter.close(PATIENT)).toBe(0);
    expect(told).toContain('Redis did not answer within 500 ms');
    await proxy.cut();
    // What arrived although its acknowledgement did not is there twice, under one id.
    expect([...new Set(await subjects())]).toEqual(all(10));
  });

  it('that is not there yet: reporting goes on, and closing keeps to its deadline', async () => {
    const proxy = new Proxy(new URL(services.url));
    const connection = await proxy.open();
    await proxy.cut();
    const early = createReporter({ connection, tenant: 'acme' });
    report(early, 10);
    const late = createReporter({ connection, tenant: 'acme' });
    report(late, 3, 10);
    expect(await late.close({ deadlineMs: 100 })).toBe(3);
    await proxy.open();
    expect(await early.close(PATIENT)).toBe(0);
    await proxy.cut();
    expect(await subjects()).toEqual(all(10));
  });
});
