import { testRedis, type TestRedis } from '../../../../test/support/index.js';
import { freePort } from '../os/ports.js';
import { createRedis } from './create-redis.js';

describe('createRedis', () => {
  let store: TestRedis;
  beforeAll(async () => {
    store = await testRedis();
  });
  afterAll(() => store.release());

  it('connects to the database in the URL, under its name', async () => {
    const redis = createRedis(store.url, 'plain', 'a-test');
    await redis.set('k', '9007199254740993');
    expect(await store.redis.get('k')).toBe('9007199254740993');
    expect(await redis.client('GETNAME')).toBe('a-test');
    redis.disconnect();
  });

  it('fails a producer at once while Redis is away', async () => {
    const redis = createRedis(`redis://127.0.0.1:${await freePort()}`, 'producer');
    await expect(redis.ping()).rejects.toThrow();
    redis.disconnect();
  });

  it('gives up a plain command after a few retries', async () => {
    const redis = createRedis(`redis://127.0.0.1:${await freePort()}`, 'plain');
    await expect(redis.ping()).rejects.toThrow(/max retries|ECONNREFUSED/i);
    redis.disconnect();
  });

  it('lets two tests have databases that do not see each other', async () => {
    const other = await testRedis();
    await other.redis.set('only-here', '1');
    expect(await store.redis.exists('only-here')).toBe(0);
    expect(other.url).not.toBe(store.url);
    await other.release();
  });
});
