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

/** Counts the measures that are on their way; one that is put aside meanwhile may count twice, and none is missing. */
export async function archiveBacklog(pool: Pool, redis: Redis): Promise<ArchiveBacklog> {
  // In the order they take: what is not in the queue any more is found where it goes from there.
  const metrics = await countQueued(redis, MOST_BYTES);
  for (const [id, measures] of await pendingMetrics(pool, MOST_METRICS)) {
    metrics.set(id, (metrics.get(id) ?? 0) + measures);
  }
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
