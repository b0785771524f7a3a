import { createLogger } from '@quipu/platform';
import { cuttableProxy } from '../../../projector/test/cuttable-proxy.js';
import { until } from '../../../projector/test/sample-job.js';
import { testRedis, type TestRedis } from '../../../../test/support/index.js';
import { RequestThrottle, type ThrottleRates } from './request-throttle.js';

describe('RequestThrottle', () => {
  let store: TestRedis;
  const open: RequestThrottle[] = [];

  beforeAll(async () => {
    store = await testRedis();
  });
  beforeEach(() => store.redis.flushdb());
  afterEach(() => open.splice(0).forEach((throttle) => throttle.close()));
  afterAll(() => store.release());

  async function throttle(rates: ThrottleRates, url = store.url): Promise<RequestThrottle> {
    // A Redis that many tests share may take its time: what is counted here is counted there.
    const made = new RequestThrottle(url, rates, createLogger('test', 'silent'), 20_000);
    open.push(made);
    await until(() => made['redis'].status === 'ready');
    return made;
  }

  /** What so many requests at once are told: 0 to go on, else how long to wait, ms. */
  function taken(made: RequestThrottle, requests: number, address: string, secret: string | null = null) {
    return Promise.all(Array.from({ length: requests }, () => made.take({ address, secret })));
  }

  /** Expects so many requests to pass, and at a rate of one in `pauseMs` as many more as time went by meanwhile. */
  async function expectPassing(burst: number, pauseMs: number, ask: () => Promise<number[]>) {
    const since = performance.now();
    const waits = await ask();
    const passing = waits.filter((wait) => wait === 0).length;
    expect(passing).toBeGreaterThanOrEqual(burst);
    expect(passing).toBeLessThanOrEqual(burst + Math.floor((performance.now() - since) / pauseMs));
    for (const wait of waits) expect(wait).toBeLessThanOrEqual(pauseMs);
    return waits;
  }

  it('counts per address, together with the other processes', async () => {
    const [one, other] = [
      await throttle({ perKey: 0, perAddress: 1 }),
      await throttle({ perKey: 0, perAddress: 1 }),
    ];
    const waits = await expectPassing(5, 1_000, async () =>
      (await Promise.all([taken(one, 20, '10.0.0.1'), taken(other, 20, '10.0.0.1')])).flat(),
    );
    expect(Math.max(...waits)).toBeGreaterThan(0);
    expect(await one.take({ address: '10.0.0.2', secret: null })).toBe(0);
    expect(one['resting']).toBe(false);
  });

  it('counts per key from wherever, and never stores a key', async () => {
    // One in five seconds, for which the keys stay as well.
    const made = await throttle({ perKey: 0.2, perAddress: 0 });
    await expectPassing(1, 5_000, async () =>
      (await Promise.all([taken(made, 4, '10.0.0.1', 'qk_a'), taken(made, 4, '10.0.0.2', 'qk_a')])).flat(),
    );
    expect(await made.take({ address: '10.0.0.1', secret: 'qk_b' })).toBe(0);
    const keys = await store.redis.keys('*');
    expect(keys).toHaveLength(2);
    expect(keys.join()).not.toContain('qk_');
    for (const key of keys) expect(await store.redis.pttl(key)).toBeGreaterThan(0);
  });

  it('lets everything pass at a rate of 0, without asking Redis', async () => {
    const made = await throttle({ perKey: 0, perAddress: 0 });
    expect(await taken(made, 100, '10.0.0.1', 'qk_a')).toEqual(new Array(100).fill(0));
    expect(await store.redis.dbsize()).toBe(0);
  });

  it('counts by itself while Redis is away, and through Redis once it is back', async () => {
    const proxy = await cuttableProxy(store.url);
    const made = await throttle({ perKey: 0, perAddress: 1 }, proxy.url);
    expect(await taken(made, 1, '10.0.0.1')).toEqual([0]);
    proxy.cut();
    await until(async () => {
      await made.take({ address: '10.0.0.9', secret: null });
      return made['resting'];
    });
    await expectPassing(5, 1_000, () => taken(made, 9, '10.0.0.1'));
    proxy.mend();
    await until(async () => {
      await made.take({ address: '10.0.0.8', secret: null });
      return !made['resting'];
    });
    await proxy.close();
  });
});
