import type { Pool } from 'pg';

/**
 * Counted by the batches of the digest chain, which is far shorter than the log: whole batches from their
 * count, and only the one that the position lies in from its events; from its positions, of which few are missing,
 * if it is archived.
 */
const COUNT_AFTER = `
SELECT coalesce(sum(CASE WHEN first_position > $1 THEN events
                         WHEN first_position < (SELECT max(end_position) FROM log_archives)
                           THEN least(events, last_position - $1::bigint)
                         ELSE (SELECT count(*) FROM log WHERE position > $1 AND position <= last_position) END),
                0)::text AS count
FROM log_digests WHERE last_position > $1`;

/** How many events follow a position. */
export async function countAfter(pool: Pool, position: bigint): Promise<bigint> {
  const { rows } = await pool.query<{ count: string }>(COUNT_AFTER, [String(position)]);
  return BigInt(rows[0]?.count ?? 0);
}

/**
 * When the first event after a position was appended, null if there is none. In an archive, which tells no more without
 * its file: when its first event was.
 */
export async function oldestRecordedAfter(pool: Pool, position: bigint): Promise<number | null> {
  const { rows } = await pool.query<{ recorded_ms: string | null }>(
    `SELECT coalesce(
       (SELECT first_recorded_ms FROM log_archives WHERE end_position > $1::bigint + 1 ORDER BY first_position LIMIT 1),
       (SELECT recorded_ms FROM log WHERE position > $1::bigint ORDER BY position LIMIT 1)) AS recorded_ms`,
    [String(position)],
  );
  const recorded = rows[0]?.recorded_ms ?? null;
  return recorded === null ? null : Number(recorded);
}
