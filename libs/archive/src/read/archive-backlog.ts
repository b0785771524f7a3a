import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { askRedis } from '../measures/ask-redis.js';
import { countOpenJobs, countQueued } from '../measures/open-jobs.js';
import { pendingMetrics } from '../store/pending-rows.js';

/** Measures that are not aggregated yet, and those that never will be. */
export interface ArchiveBacklog {
  /** Measures to be aggregated, by metric: in the queue (the first megabytes of it) and put aside. */
  readonly metrics: ReadonlyMap<string, number>;
  /** Measures that were too old when they came, of all metrics there are. */
  readonly late: bigint;
  /** Measures for which there was no room beside those that wait for their metric, of all metrics there are. */
  readonly dropped: bigint;
}

const MOST_METRICS = 100_000;
const MOST_BYTES = 8 << 20;

/** Counts the measures that are on their way; one that is put aside meanwhile may count twice, and none is missing. */
export async function archiveBacklog(pool: Pool, redis: Redis): Promise<ArchiveBacklog> {
  // In the order they take: what is not in the queue any more is found where it goes from there.
  const metrics = await askRedis(() => countQueued(redis, MOST_BYTES));
  for (const [id, measures] of await pendingMetrics(pool, MOST_METRICS)) {
    metrics.set(id, (metrics.get(id) ?? 0) + measures);
  }
  const { late, dropped } = await archiveCounts(pool);
  return { metrics, late, dropped };
}

/** What a scrape tells of the archive. */
export interface ArchiveCounts {
  /** Measures put aside until their metric can be had. */
  readonly pending: bigint;
  readonly late: bigint;
  readonly dropped: bigint;
}

/** Counts cheaply: what is put aside, what was too old and what was dropped is little. */
export async function archiveCounts(pool: Pool): Promise<ArchiveCounts> {
  const { rows } = await pool.query<{ pending: string; late: string; dropped: string }>(
    `SELECT (SELECT coalesce(sum(measures), 0)::text FROM archive_pending) AS pending,
            (SELECT coalesce(sum(late), 0)::text FROM archive_series WHERE late > 0) AS late,
            (SELECT coalesce(sum(measures), 0)::text FROM archive_dropped) AS dropped`,
  );
  const [counts = { pending: 0, late: 0, dropped: 0 }] = rows;
  return {
    pending: BigInt(counts.pending),
    late: BigInt(counts.late),
    dropped: BigInt(counts.dropped),
  };
}

/** Jobs with measures that are in the queue or being taken from it. */
export function archiveQueueLength(redis: Redis): Promise<number> {
  return countOpenJobs(redis);
}
