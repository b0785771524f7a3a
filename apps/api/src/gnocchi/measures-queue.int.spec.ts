import { randomUUID } from 'node:crypto';
import { ArchiveRefresher, type MeasuresWriter, type Points, PointsBuilder } from '@quipu/archive';
import { MEASURES_QUEUE, QUEUE_PREFIX } from '@quipu/contracts';
import { createLogger } from '@quipu/platform';
import { Queue } from 'bullmq';
import { testRedis, type TestRedis } from '../../../../test/support/index.js';
import { MeasuresQueue } from './measures-queue.js';

const PLACES = 400;

describe('the queue of measures', () => {
  let services: TestRedis;
  let queue: MeasuresQueue;
  let other: MeasuresQueue;
  let jobs: Queue;

  beforeAll(async () => {
    services = await testRedis();
    const logger = createLogger('test', 'silent');
    queue = new MeasuresQueue(services.url, PLACES, logger);
    other = new MeasuresQueue(services.url, PLACES, logger);
    jobs = new Queue(MEASURES_QUEUE, { connection: { url: services.url }, prefix: QUEUE_PREFIX });
    await jobs.waitUntilReady();
    for (const each of [queue, other]) await ready(each);
  });
  beforeEach(async () => {
    await services.redis.flushdb();
    await lookedAgain();
  });
  afterAll(async () => {
    await queue.onApplicationShutdown();
    await other.onApplicationShutdown();
    await jobs.close();
    await services.release();
  });

  function points(count: number): Points {
    const builder = new PointsBuilder(count);
    for (let i = 0; i < count; i += 1) builder.add(1_700_000_000 + i, 0, i);
    return builder.build();
  }

  /** It takes no measures before it is connected. */
  async function ready(each: MeasuresQueue): Promise<void> {
    for (let taken = false; !taken;) {
      taken = await each.add(new Map([[randomUUID(), points(1)]]), 'a').then(
        () => true,
        () => false,
      );
      await jobs.count();
    }
  }

  /** Puts measures in until they are refused; answers with how many requests were taken, and the refusal. */
  async function fill(through: MeasuresQueue, tenant: string, count: number) {
    const of = points(count);
    for (let taken = 0; ; taken += 1) {
      try {
        await through.add(new Map([[randomUUID(), of]]), tenant);
      } catch (error) {
        return { taken, error };
      }
    }
  }

  /** Long enough for the queue to be looked at again. */
  async function lookedAgain(): Promise<void> {
    const until = performance.now() + 200;
    while (performance.now() < until) await jobs.count();
  }

  it('has room for few thick requests where there is room for many thin ones', async () => {
    const first = await fill(queue, 'a', 1);
    expect(first.error).toMatchObject({ status: 429 });
    expect(first.taken).toBeGreaterThanOrEqual(PLACES / 2);
    await services.redis.flushdb();
    await lookedAgain();
    // A megabyte and a third each: some forty places.
    const thick = await fill(queue, 'a', 60_000);
    expect(thick.error).toMatchObject({ status: 429 });
    expect(thick.taken).toBeLessThan(10);
  });

  it('is waited for by those whose measures are in it, and by nobody else', async () => {
    const [mine, others] = [randomUUID(), randomUUID()];
    const writer = { processPending: () => Promise.resolve('done') } as unknown as MeasuresWriter;
    const refresher = new ArchiveRefresher(writer, services.redis);
    await queue.add(new Map([[others, points(10)]]), 'a');
    // Too much for one job.
    await other.add(
      new Map([
        [randomUUID(), points(60_000)],
        [others, points(60_000)],
      ]),
      'b',
    );
    expect(await jobs.count()).toBeGreaterThan(2);
    expect(await refresher.refresh([mine], { timeoutMs: 60_000 })).toBe('done');
    expect(await refresher.refresh([mine, others], { timeoutMs: 50 })).toBe('locked');
    await jobs.drain();
    expect(await refresher.refresh([mine, others], { timeoutMs: 60_000 })).toBe('done');
  });

  it('keeps room for those who have nothing in it, whichever process is asked', async () => {
    expect((await fill(queue, 'a', 60_000)).error).toMatchObject({ status: 429 });
    await lookedAgain();
    await expect(other.add(new Map([[randomUUID(), points(1)]]), 'a')).rejects.toMatchObject({ status: 429 });
    await other.add(new Map([[randomUUID(), points(60_000)]]), 'b');
    await jobs.drain();
    await lookedAgain();
    await queue.add(new Map([[randomUUID(), points(1)]]), 'a');
  });
});
