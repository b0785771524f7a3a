import { type Measures, measuresJobs } from '@quipu/archive';
import { MEASURES_QUEUE } from '@quipu/contracts';
import type { Logger } from '@quipu/platform';
import type { OnApplicationShutdown } from '@nestjs/common';
import { QueueDoor } from '../intake/queue-door.js';
import { GnocchiError } from './forms/gnocchi-error.js';
import type { MeasuresIntake } from './gnocchi-archive.js';
import { type NoRoom, placesOf, QueueRoom } from './queue-room.js';

const RETRY_AFTER = { 'retry-after': '5' };
const REFUSALS: Readonly<Record<NoRoom, readonly [number, string]>> = {
  full: [503, 'Measures arrive faster than they are aggregated'],
  share: [429, 'Too many measures of this tenant wait to be aggregated'],
};

/** The way of measures into their queue. While Redis is away, or the queue too long, it says so at once. */
export class MeasuresQueue implements MeasuresIntake, OnApplicationShutdown {
  private readonly door: QueueDoor;
  private readonly room: QueueRoom;

  /** @param places room in the queue, from which on more measures are put off. */
  constructor(redisUrl: string, places: number, logger: Logger) {
    this.door = new QueueDoor({
      names: { queue: MEASURES_QUEUE, takes: 'measures', client: 'quipu-api-measures' },
      ...{ redisUrl, logger, refusal: () => new GnocchiError(503, 'The queue does not answer', RETRY_AFTER) },
    });
    this.room = new QueueRoom(places);
  }

  /**
   * Puts measures of a tenant's client into the queue; done when Redis has acknowledged all of them.
   * @throws GnocchiError 503: Redis is away, or the queue is full; 429: this tenant has its share of it.
   */
  async add(measures: Measures, tenant: string): Promise<void> {
    await this.door.ask(() => this.room.look(this.door.redis));
    const refusal = this.room.refusal(tenant);
    if (refusal !== null) throw new GnocchiError(...REFUSALS[refusal], RETRY_AFTER);
    const jobs = measuresJobs(measures).map(({ id, data, metrics }) => ({
      name: tenant,
      data,
      opts: { jobId: id, removeOnComplete: true, metrics },
    }));
    await this.door.ask((queue) => queue.addBulk(jobs));
    for (const { data } of jobs) this.room.add(tenant, placesOf(data.measures.length));
  }

  /** Disconnects. */
  onApplicationShutdown(): Promise<void> {
    this.door.close();
    return Promise.resolve();
  }
}
