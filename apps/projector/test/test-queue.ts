import { LIFECYCLE_QUEUE, QUEUE_PREFIX } from '@quipu/contracts';
import { createRedis } from '@quipu/platform';
import { Queue } from 'bullmq';
import { testDatabase, type TestDatabase, testRedis, type TestRedis } from '../../../test/support/index.js';

/** The queue of events on a Redis of its own, and a database to bring them into. */
export interface TestQueue {
  readonly database: TestDatabase;
  readonly services: TestRedis;
  readonly queue: Queue;
  /** Gives everything back. */
  readonly close: () => Promise<void>;
}

/** Opens one for a spec file; `close` it in afterAll. */
export async function openTestQueue(): Promise<TestQueue> {
  const database = await testDatabase();
  const services = await testRedis();
  const connection = createRedis(services.url, 'consumer');
  const queue = new Queue(LIFECYCLE_QUEUE, { connection, prefix: QUEUE_PREFIX });
  return {
    ...{ database, services, queue },
    close: async () => {
      await queue.close();
      connection.disconnect();
      await services.release();
      await database.drop();
    },
  };
}
