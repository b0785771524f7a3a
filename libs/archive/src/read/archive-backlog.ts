import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { countQueued } from '../measures/open-jobs.js';
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
  const { rows } = await pool.query<{ late: string }>(
    `SELECT coalesce(sum(late), 0)::text AS late FROM archive_series WHERE late > 0`,
  );
  return { metrics, late: BigInt(rows[0]?.late ?? 0) };
}
