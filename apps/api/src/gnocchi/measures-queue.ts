import { type Measures, measuresJobs } from '@quipu/archive';
import { MEASURES_QUEUE, QUEUE_PREFIX } from '@quipu/contracts';
import { createRedis, errorMessage, type Logger } from '@quipu/platform';
import type { OnApplicationShutdown } from '@nestjs/common';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { GnocchiError } from './forms/gnocchi-error.js';
import type { MeasuresIntake } from './gnocchi-archive.js';
import { type NoRoom, placesOf, QueueRoom } from './queue-room.js';

/** Longest the queue may take to answer, ms. */
const PATIENCE_MS = 5_000;
const RETRY_AFTER = { 'retry-after': '5' };
const REFUSALS: Readonly<Record<NoRoom, readonly [number, string]>> = {
  full: [503, 'Measures arrive faster than they are aggregated'],
  share: [429, 'Too many measures of this tenant wait to be aggregated'],
};

/** The way of measures into their queue. While Redis is away, or the queue too long, it says so at once. */
export class MeasuresQueue implements MeasuresIntake, OnApplicationShutdown {
  private readonly redis: Redis;
  private opened: Queue | null = null;
  private away = false;
  private readonly room: QueueRoom;

  /** @param places room in the queue, from which on more measures are put off. */
  constructor(
    redisUrl: string,
    places: number,
    private readonly logger: Logger,
  ) {
    this.redis = createRedis(redisUrl, 'producer', 'quipu-api-measures');
    this.room = new QueueRoom(places);
  }

  /**
   * Puts measures of a tenant's client into the queue; done when Redis has acknowledged all of them.
   * @throws GnocchiError 503: Redis is away, or the queue is full; 429: this tenant has its share of it.
   */
  async add(measures: Measures, tenant: string): Promise<void> {
    await this.ask(() => this.room.look(this.redis));
    const refusal = this.room.refusal(tenant);
    if (refusal !== null) throw new GnocchiError(...REFUSALS[refusal], RETRY_AFTER);
    const jobs = measuresJobs(measures).map(({ id, data }) => ({
      name: tenant,
      data,
      opts: { jobId: id, removeOnComplete: true },
    }));
    await this.ask((queue) => queue.addBulk(jobs));
    for (const { data } of jobs) this.room.add(tenant, placesOf(data.measures.length));
  }

  /** Disconnects. */
  onApplicationShutdown(): Promise<void> {
    // Closing waits for an answer of Redis, which may be away: the end of the process must not.
    void this.opened?.close().catch(() => undefined);
    this.redis.disconnect();
    return Promise.resolve();
  }

  private async ask<T>(work: (queue: Queue) => Promise<T>): Promise<T> {
    try {
      // A queue opened while Redis is away would wait for it, and fail for good if it goes again meanwhile.
      if (this.redis.status !== 'ready') throw new Error(`the connection is ${this.redis.status}`);
      this.opened ??= this.open();
      const answer = await withPatience(work(this.opened));
      if (this.away) this.logger.info('the queue takes measures again');
      this.away = false;
      return answer;
    } catch (error) {
      if (!this.away) this.logger.warn({ reason: errorMessage(error) }, 'the queue takes no measures');
      this.away = true;
      throw new GnocchiError(503, 'The queue does not answer', RETRY_AFTER);
    }
  }

  private open(): Queue {
    const queue = new Queue(MEASURES_QUEUE, { connection: this.redis, prefix: QUEUE_PREFIX });
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
