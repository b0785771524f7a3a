import { QUEUE_PREFIX } from '@quipu/contracts';
import { createRedis, errorMessage, type Logger } from '@quipu/platform';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';

/** What a {@link QueueDoor} needs. */
export interface QueueDoorOptions {
  readonly redisUrl: string;
  /** The queue, what it takes, and what the door is called as a client of Redis. */
  readonly names: { readonly queue: string; readonly takes: string; readonly client: string };
  readonly logger: Logger;
  /** What whoever comes while the queue does not answer is told. */
  readonly refusal: () => Error;
}

/** Longest the queue may take to answer, ms. */
const PATIENCE_MS = 5_000;

/**
 * The way from the API into a queue. While Redis is away, or hangs, it says so instead of waiting: whoever sends keeps
 * what it has and sends it again.
 */
export class QueueDoor {
  /** The connection, for what is asked beside the queue's own commands; within {@link ask} only. */
  readonly redis: Redis;
  private opened: Queue | null = null;
  private away = false;

  /** Begins to connect. */
  constructor(private readonly options: QueueDoorOptions) {
    this.redis = createRedis(options.redisUrl, 'producer', options.names.client);
  }

  /**
   * Asks the queue something.
   * @throws the refusal, when Redis is away or does not answer in time; what was asked may have been done then.
   */
  async ask<T>(work: (queue: Queue) => Promise<T>): Promise<T> {
    const { logger, names, refusal } = this.options;
    try {
      // A queue opened while Redis is away would wait for it, and fail for good if it goes again meanwhile.
      if (this.redis.status !== 'ready') throw new Error(`the connection is ${this.redis.status}`);
      this.opened ??= this.open();
      const answer = await withPatience(work(this.opened));
      if (this.away) logger.info(`the queue takes ${names.takes} again`);
      this.away = false;
      return answer;
    } catch (error) {
      if (!this.away) logger.warn({ reason: errorMessage(error) }, `the queue takes no ${names.takes}`);
      this.away = true;
      throw refusal();
    }
  }

  /** Disconnects, whether Redis answers or not. */
  close(): void {
    // Closing waits for an answer of Redis, which may be away: the end of the process must not.
    void this.opened?.close().catch(() => undefined);
    this.redis.disconnect();
  }

  private open(): Queue {
    const queue = new Queue(this.options.names.queue, { connection: this.redis, prefix: QUEUE_PREFIX });
    // Without a listener a lost connection would end the process; the commands that fail tell of it.
    queue.on('error', () => undefined);
    queue.waitUntilReady().catch(() => (this.opened = null));
    return queue;
  }
}

async function withPatience<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE_MS} ms`)), PATIENCE_MS);
    timer.unref();
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
