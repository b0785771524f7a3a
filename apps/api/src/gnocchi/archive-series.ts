import type { Clock, Logger } from '@quipu/platform';
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { notServed } from './forms/gnocchi-error.js';
import { type SeriesAnswer, TimeSeries } from './time-series.js';

/** What the series need. */
export interface ArchiveSeriesOptions {
  readonly pool: Pool;
  readonly redis: Redis;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The series of the archive. */
export class ArchiveSeries extends TimeSeries {
  constructor(private readonly options: ArchiveSeriesOptions) {
    super();
  }
  measures(): Promise<SeriesAnswer> {
    return Promise.reject(notServed('measures'));
  }
  across(): Promise<SeriesAnswer> {
    return Promise.reject(notServed('measures'));
  }
  refresh(): Promise<'done' | 'locked'> {
    return Promise.resolve('done');
  }
  backlog(): Promise<ReadonlyMap<string, number>> {
    void this.options;
    return Promise.resolve(new Map<string, number>());
  }
}
