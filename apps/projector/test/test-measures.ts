import { type Measures, measuresJobs } from '@quipu/archive';
import { MEASURES_QUEUE, QUEUE_PREFIX } from '@quipu/contracts';
import { createRedis } from '@quipu/platform';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { testDatabase, type TestDatabase, testRedis, type TestRedis } from '../../../test/support/index.js';

/** The queue of measures on a Redis of its own, and a database to bring them into. */
export interface TestMeasures {
  readonly database: TestDatabase;
  readonly services: TestRedis;
  readonly redis: Redis;
  readonly queue: Queue;
  /** Puts measures into the queue, as the API does. */
  post(measures: Measures): Promise<void>;
  /** Gives everything back. */
  close(): Promise<void>;
}

/** Opens one for a spec file; `close` it in afterAll. */
export async function openTestMeasures(): Promise<TestMeasures> {
  const database = await testDatabase();
  const services = await testRedis();
  const redis = createRedis(services.url, 'consumer');
  const queue = new Queue(MEASURES_QUEUE, { connection: redis, prefix: QUEUE_PREFIX });
  return {
    ...{ database, services, redis, queue },
    post: async (measures) => {
      const jobs = measuresJobs(measures);
      await queue.addBulk(
        jobs.map(({ id, data, metrics }) => ({ name: 'measures', data, opts: { jobId: id, metrics } })),
      );
    },
    close: async () => {
      await queue.close();
      redis.disconnect();
      await services.release();
      await database.drop();
    },
  };
}
