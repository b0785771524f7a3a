import type { Pool } from 'pg';

/**
 * Counted by the batches of the digest chain, which is far shorter than the log: whole batches from their
 * count, and only the one that the position lies in from its events.
 */
const COUNT_AFTER = `
SELECT coalesce(sum(CASE WHEN first_position > $1 THEN events
                         ELSE (SELECT count(*) FROM log WHERE position > $1 AND position <= last_position) END),
                0)::text AS count
FROM log_digests WHERE last_position > $1`;

/** How many events follow a position. */
export async function countAfter(pool: Pool, position: bigint): Promise<bigint> {
  const { rows } = await pool.query<{ count: string }>(COUNT_AFTER, [String(position)]);
  return BigInt(rows[0]?.count ?? 0);
}

/** When the first event after a position was appended, null if there is none. */
export async function oldestRecordedAfter(pool: Pool, position: bigint): Promise<number | null> {
  const { rows } = await pool.query<{ recorded_ms: string }>(
    'SELECT recorded_ms FROM log WHERE position > $1 ORDER BY position LIMIT 1',
    [String(position)],
  );
  return rows[0] === undefined ? null : Number(rows[0].recorded_ms);
}
