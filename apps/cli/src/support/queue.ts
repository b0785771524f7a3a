import { LIFECYCLE_QUEUE, QUEUE_PREFIX } from '@quipu/contracts';
import { createRedis } from '@quipu/platform';
import { Queue } from 'bullmq';
import { once } from 'node:events';
import { type Services } from './services.js';
import { withPatience } from './patience.js';

/** The queue of events, for the time of the command. */
export async function openQueue(services: Services): Promise<Queue> {
  const redis = createRedis(services.redisUrl, 'producer', 'quipu-cli');
  services.onClose(() => Promise.resolve(redis.disconnect()));
  if (redis.status !== 'ready') await once(redis, 'ready');
  const queue = new Queue(LIFECYCLE_QUEUE, { connection: redis, prefix: QUEUE_PREFIX });
  // Without a listener a lost connection would end the process; the commands that fail tell of it.
  queue.on('error', () => undefined);
  await withPatience(() => queue.waitUntilReady());
  services.onClose(() => queue.close());
  return queue;
}

/**
 * How many workers take jobs from the queue. Redis lists the clients of all its logical databases, and a
 * queue of the same name may be worked off in another one.
 */
export async function countConsumers(queue: Queue, redisUrl: string): Promise<number> {
  const database = new URL(redisUrl).pathname.slice(1) || '0';
  const workers = await queue.getWorkers();
  return workers.filter((worker) => (worker['db'] ?? database) === database).length;
}
