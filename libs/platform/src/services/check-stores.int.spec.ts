import { freePort } from '../os/ports.js';
import { removeDirectories, silent, temporaryDirectory } from '../../../../test/support/launcher.js';
import { createRedis } from '../redis/create-redis.js';
import { checkPostgres, checkRedis } from './check-stores.js';
import { startServices } from './start-services.js';

describe('configured stores', () => {
  afterAll(removeDirectories, 60_000);

  it('are reported, without their password, when they do not answer', async () => {
    const port = await freePort();
    await expect(checkPostgres(`postgres://me:hunter2@127.0.0.1:${port}/db`)).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringMatching(/postgres:\/\/me:\*\*\*@127.0.0.1:\d+\/db does not answer/),
      hint: expect.stringContaining('DATABASE_URL'),
    });
    await expect(checkRedis(`redis://:hunter2@127.0.0.1:${port}/0`, silent)).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.not.stringContaining('hunter2'),
      hint: expect.stringContaining('REDIS_URL'),
    });
  }, 30_000);

  it('are refused when Redis may drop keys', async () => {
    const services = await startServices({ dataDir: temporaryDirectory() }, silent);
    const redis = createRedis(services.redisUrl, 'plain');
    try {
      await expect(checkRedis(services.redisUrl, silent)).resolves.toBeUndefined();
      await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
      await expect(checkRedis(services.redisUrl, silent)).resolves.toBeUndefined();
      await redis.config('SET', 'maxmemory', '100mb');
      await expect(checkRedis(services.redisUrl, silent)).rejects.toMatchObject({
        code: 'service_start',
        message: expect.stringContaining('maxmemory-policy allkeys-lru'),
        hint: expect.stringContaining('noeviction'),
      });
    } finally {
      redis.disconnect();
      await services.stop();
    }
  }, 60_000);

  it('leave nothing embedded to start when both are configured', async () => {
    const embedded = await startServices({ dataDir: temporaryDirectory() }, silent);
    const { databaseUrl, redisUrl } = embedded;
    const configured = await startServices({ dataDir: '/nowhere', databaseUrl, redisUrl }, silent);
    expect(configured).toMatchObject({ databaseUrl, redisUrl, postgresPid: undefined, redisPid: undefined });
    expect(await configured.ensure()).toEqual([]);
    await configured.stop();
    await expect(checkPostgres(databaseUrl)).resolves.toBeUndefined();
    await embedded.stop();
  }, 60_000);
});
