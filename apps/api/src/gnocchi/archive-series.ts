import {
  type ArchiveBacklog,
  archiveBacklog,
  ArchiveReader,
  ArchiveRefresher,
  MeasuresWriter,
} from '@quipu/archive';
import type { Clock, Logger } from '@quipu/platform';
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import {
  type AcrossQuestion,
  type AskedMetric,
  type SeriesAnswer,
  type SeriesQuestion,
  TimeSeries,
} from './time-series.js';

/** What the series need. */
export interface ArchiveSeriesOptions {
  readonly pool: Pool;
  readonly redis: Redis;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The measures of the archive, in Postgres; what waits to be aggregated is in Redis, too. */
export class ArchiveSeries extends TimeSeries {
  private readonly reader: ArchiveReader;
  private readonly refresher: ArchiveRefresher;

  constructor(private readonly options: ArchiveSeriesOptions) {
    super();
    const { pool, redis, clock, logger } = options;
    this.reader = new ArchiveReader(pool);
    this.refresher = new ArchiveRefresher(new MeasuresWriter({ pool, clock, logger }), redis);
  }

  override measures(metric: AskedMetric, question: SeriesQuestion): Promise<SeriesAnswer> {
    return this.reader.measures(metric, question);
  }

  override across(metrics: readonly AskedMetric[], question: AcrossQuestion): Promise<SeriesAnswer> {
    return this.reader.across(metrics, question);
  }

  override refresh(metricIds: readonly string[]): Promise<'done' | 'locked'> {
    return this.refresher.refresh(metricIds);
  }

  override backlog(): Promise<ArchiveBacklog> {
    return archiveBacklog(this.options.pool, this.options.redis);
  }
}
