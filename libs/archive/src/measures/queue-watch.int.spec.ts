import { randomUUID } from 'node:crypto';
import { MEASURES_QUEUE, QUEUE_PREFIX } from '@quipu/contracts';
import { createRedis, StoreUnavailableError } from '@quipu/platform';
import { type JobsOptions, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { testRedis, type TestRedis } from '../../../../test/support/index.js';
import { printsOf } from './metric-prints.js';
import { QueueWatch } from './queue-watch.js';

/** Far longer than any of these takes. */
const PATIENCE_MS = 60_000;

describe('waiting for the queue of measures', () => {
  let services: TestRedis;
  let redis: Redis;
  let queue: Queue;

  beforeAll(async () => {
    services = await testRedis();
    redis = createRedis(services.url, 'consumer');
    queue = new Queue(MEASURES_QUEUE, { connection: redis, prefix: QUEUE_PREFIX });
    await queue.waitUntilReady();
  });
  beforeEach(() => services.redis.flushdb());
  afterAll(async () => {
    await queue.close();
    redis.disconnect();
    await services.release();
  });

  /** Puts a job in with measures of some metrics; null: one that does not say of which. Answers with its id. */
  async function add(metrics: readonly string[] | null): Promise<string> {
    const opts: JobsOptions & { metrics?: string } = metrics === null ? {} : { metrics: printsOf(metrics) };
    const job = await queue.add('tenant', {}, opts);
    return job.id!;
  }

  /** Waits for some metrics, and tells how that went so far. */
  function wait(watch: QueueWatch, metrics: readonly string[]) {
    const waiting = { ended: null as boolean | null, over: Promise.resolve() };
    waiting.over = watch.drained(metrics, PATIENCE_MS).then((drained) => void (waiting.ended = drained));
    return waiting;
  }

  it('ends when what it held for some metrics is gone, whatever else is in it or comes', async () => {
    const [a, b, c] = [randomUUID(), randomUUID(), randomUUID()];
    const watch = new QueueWatch(redis);
    expect(await watch.drained([a], PATIENCE_MS)).toBe(true);
    const [first, both] = [await add([a]), await add([a, b])];
    await add([c]);
    const ofA = wait(watch, [a]);
    const ofB = wait(watch, [b]);
    const ofSome = wait(watch, [randomUUID(), b]);
    // None of its own: it has not to wait, and by then the others have been looked for.
    expect(await watch.drained([randomUUID()], PATIENCE_MS)).toBe(true);
    await add([a, b]);
    await queue.remove(both);
    await Promise.all([ofB.over, ofSome.over]);
    expect([ofA.ended, ofB.ended, ofSome.ended]).toEqual([null, true, true]);
    await queue.remove(first);
    await ofA.over;
    expect(ofA.ended).toBe(true);
    expect(await queue.getWaitingCount()).toBe(2);
  });

  it('waits for a job that does not say whose measures it has', async () => {
    const unmarked = await add(null);
    const watch = new QueueWatch(redis);
    expect(await watch.drained([randomUUID()], 50)).toBe(false);
    await queue.remove(unmarked);
    expect(await watch.drained([randomUUID()], PATIENCE_MS)).toBe(true);
  });

  it('looks through the queue no more often for many than for one', async () => {
    const metric = randomUUID();
    const last = await add([metric]);
    let looks = 0;
    const counted = new Proxy(redis, {
      get: (target, key) => {
        if (key === 'multi') looks += 1;
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const watch = new QueueWatch(counted);
    const waiting = Array.from({ length: 300 }, () => watch.drained([metric], PATIENCE_MS));
    // Asked after them, and answered: all of them have been looked for.
    expect(await watch.drained([randomUUID()], PATIENCE_MS)).toBe(true);
    await queue.remove(last);
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([true]));
    // Once for the first, once for those who came during that look.
    expect(looks).toBe(2);
  });

  it('lets no more wait than it can', async () => {
    const metric = randomUUID();
    const last = await add([metric]);
    const watch = new QueueWatch(redis, 2);
    const waiting = [watch.drained([metric], PATIENCE_MS), watch.drained([metric], PATIENCE_MS)];
    expect(await watch.drained([metric], PATIENCE_MS)).toBe(false);
    await queue.remove(last);
    expect(await Promise.all(waiting)).toEqual([true, true]);
    expect(await watch.drained([metric], PATIENCE_MS)).toBe(true);
  });

  it('says so when it cannot look', async () => {
    const cut = { llen: () => Promise.reject(new Error('Connection is closed.')) } as unknown as Redis;
    const watch = new QueueWatch(cut);
    const waiting = [watch.drained([randomUUID()], PATIENCE_MS), watch.drained([randomUUID()], PATIENCE_MS)];
    const ended = await Promise.allSettled(waiting);
    expect(
      ended.map((each) => each.status === 'rejected' && each.reason instanceof StoreUnavailableError),
    ).toEqual([true, true]);
  });

  it('waits no longer than it is told for a Redis that says nothing', async () => {
    const silent = { llen: () => new Promise(() => undefined) } as unknown as Redis;
    expect(await new QueueWatch(silent).drained([randomUUID()], 20)).toBe(false);
  });
});
