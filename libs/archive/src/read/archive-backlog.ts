import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { countOpenJobs, countQueued } from '../measures/open-jobs.js';
import { pendingMetrics } from '../store/pending-rows.js';

/** Measures that are not aggregated yet, and those that never will be. */
export interface ArchiveBacklog {
  /** Measures to be aggregated, by metric: in the queue (the first megabytes of it) and put aside. */
  readonly metrics: ReadonlyMap<string, number>;
  /** Measures that were too old when they came, of all metrics there are. */
  readonly late: bigint;
}

const MOST_METRICS = 100_000;
const MOST_BYTES = 8 << 20;

/** Counts the measures that are on their way. */
export async function archiveBacklog(pool: Pool, redis: Redis): Promise<ArchiveBacklog> {
  const metrics = await pendingMetrics(pool, MOST_METRICS);
  await countQueued(redis, metrics, MOST_BYTES);
  return { metrics, late: (await archiveCounts(pool)).late };
}

/** What a scrape tells of the archive. */
export interface ArchiveCounts {
  /** Measures put aside until their metric can be had. */
  readonly pending: bigint;
  readonly late: bigint;
}

/** Counts cheaply: what is put aside and what was too old is little. */
export async function archiveCounts(pool: Pool): Promise<ArchiveCounts> {
  const { rows } = await pool.query<{ pending: string; late: string }>(
    `SELECT (SELECT coalesce(sum(measures), 0)::text FROM archive_pending) AS pending,
            (SELECT coalesce(sum(late), 0)::text FROM archive_series WHERE late > 0) AS late`,
  );
  return { pending: BigInt(rows[0]?.pending ?? 0), late: BigInt(rows[0]?.late ?? 0) };
}

/** Jobs with measures that are in the queue or being taken from it. */
export function archiveQueueLength(redis: Redis): Promise<number> {
  return countOpenJobs(redis);
}
