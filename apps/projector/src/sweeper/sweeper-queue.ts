import {
  type LogEvent,
  LIFECYCLE_QUEUE,
  MAX_EVENTS_PER_JOB,
  QUEUE_PREFIX,
  toCloudEvent,
} from '@quipu/contracts';
import { createRedis } from '@quipu/platform';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';

/** A Redis that has not answered for so long is away, ms. */
const PATIENCE_MS = 3_000;
/** Written at each look: a Redis that answers but takes no writes (full, or a replica) hears nobody. */
const PROBE_KEY = `${QUEUE_PREFIX}:sweeper`;
const PROBE_MS = 60_000;

/** The queue of events, as the sweeper looks at it and reports through it. Fails soon while Redis is away. */
export class SweeperQueue {
  private readonly redis: Redis;
  private queue: Queue | null = null;
  private closed = false;

  /** @param onLost called whenever the connection is lost, however shortly. */
  constructor(redisUrl: string, onLost: () => void) {
    this.redis = createRedis(redisUrl, 'producer', 'quipu-sweeper');
    this.redis.on('close', onLost);
  }

  /**
   * How many jobs of events are not done: waiting, in somebody's hand, put off, or failed and not yet put back.
   * @throws Error when Redis does not answer or takes no writes.
   */
  async open(): Promise<number> {
    const queue = this.ready();
    return this.patiently(async () => {
      await this.redis.set(PROBE_KEY, String(Date.now()), 'PX', PROBE_MS);
      const counts = await queue.getJobCounts(
        ...(['waiting', 'active', 'delayed', 'prioritized', 'waiting-children', 'failed'] as const),
      );
      return Object.values(counts).reduce((sum, count) => sum + count, 0);
    });
  }

  /**
   * Puts events into the queue, in order, as many jobs as they need. Marked as an import, since a worker may have fallen
   * silent longer ago than events may be old.
   * @throws Error if Redis did not acknowledge all of them; some may be in the queue.
   */
  async report(events: readonly LogEvent[]): Promise<void> {
    const queue = this.ready();
    for (let at = 0; at < events.length; at += MAX_EVENTS_PER_JOB) {
      const part = events.slice(at, at + MAX_EVENTS_PER_JOB).map(toCloudEvent);
      await this.patiently(() => queue.add('events', { events: part, import: true }));
    }
  }

  /** Disconnects, without waiting for Redis. */
  close(): void {
    this.closed = true;
    void this.queue?.close().catch(() => undefined);
    this.redis.disconnect();
  }

  private ready(): Queue {
    // A queue that is opened while Redis is away would wait for it, and fail for good if it goes again meanwhile.
    if (this.redis.status !== 'ready') throw new Error(`the connection to Redis is ${this.redis.status}`);
    if (this.queue === null) {
      const queue = new Queue(LIFECYCLE_QUEUE, {
        ...{ connection: this.redis, prefix: QUEUE_PREFIX, skipMetasUpdate: true },
      });
      queue.on('error', () => undefined);
      queue.waitUntilReady().catch(() => (this.queue = null));
      this.queue = queue;
    }
    return this.queue;
  }

  private async patiently<T>(work: () => Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        // What a hanging Redis was sent must not be done when it goes on: by then it may be wrong.
        if (!this.closed) this.redis.disconnect(true);
        reject(new Error(`Redis did not answer within ${PATIENCE_MS} ms`));
      }, PATIENCE_MS);
    });
    try {
      return await Promise.race([work(), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
