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
    const made = new RequestThrottle(url, rates, createLogger('test', 'silent'));
    open.push(made);
    await until(() => made['redis'].status === 'ready');
    return made;
  }

  /** How many of so many requests at once go on. */
  async function passing(
    made: RequestThrottle,
    requests: number,
    address: string,
    secret: string | null = null,
  ) {
    const waits = await Promise.all(Array.from({ length: requests }, () => made.take({ address, secret })));
    return waits.filter((wait) => wait === 0).length;
  }

  it('counts per address, together with the other processes', async () => {
    const [one, other] = [
      await throttle({ perKey: 0, perAddress: 1 }),
      await throttle({ perKey: 0, perAddress: 1 }),
    ];
    expect((await passing(one, 4, '10.0.0.1')) + (await passing(other, 4, '10.0.0.1'))).toBe(5);
    const wait = await one.take({ address: '10.0.0.1', secret: null });
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(1_000);
    expect(await one.take({ address: '10.0.0.2', secret: null })).toBe(0);
    expect(one['resting']).toBe(false);
  });

  it('counts per key from wherever, and never stores a key', async () => {
    const made = await throttle({ perKey: 1, perAddress: 0 });
    expect((await passing(made, 4, '10.0.0.1', 'qk_a')) + (await passing(made, 4, '10.0.0.2', 'qk_a'))).toBe(
      5,
    );
    expect(await made.take({ address: '10.0.0.1', secret: 'qk_b' })).toBe(0);
    const keys = await store.redis.keys('*');
    expect(keys).toHaveLength(2);
    expect(keys.join()).not.toContain('qk_');
    for (const key of keys) expect(await store.redis.pttl(key)).toBeGreaterThan(0);
  });

  it('lets everything pass at a rate of 0, without asking Redis', async () => {
    const made = await throttle({ perKey: 0, perAddress: 0 });
    expect(await passing(made, 100, '10.0.0.1', 'qk_a')).toBe(100);
    expect(await store.redis.dbsize()).toBe(0);
  });

  it('counts by itself while Redis is away, and through Redis once it is back', async () => {
    const proxy = await cuttableProxy(store.url);
    const made = await throttle({ perKey: 0, perAddress: 1 }, proxy.url);
    expect(await passing(made, 1, '10.0.0.1')).toBe(1);
    proxy.cut();
    await until(async () => {
      await made.take({ address: '10.0.0.9', secret: null });
      return made['resting'];
    });
    expect(await passing(made, 9, '10.0.0.1')).toBe(5);
    proxy.mend();
    await until(async () => {
      await made.take({ address: '10.0.0.8', secret: null });
      return !made['resting'];
    });
    await proxy.close();
  });
});
