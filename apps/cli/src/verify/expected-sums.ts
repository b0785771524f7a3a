import type { PoolClient } from 'pg';

/** The start, in ms, of the UTC bucket of `t` ms, per bucket kind: quarter-hour, day, month. */
const BUCKETS = [
  { kind: 1, start: 'floor(t / 900000.0)::bigint * 900000' },
  { kind: 2, start: 'floor(t / 86400000.0)::bigint * 86400000' },
  {
    kind: 3,
    start: `(extract(epoch FROM date_trunc('month',
      timestamp '1970-01-01' + floor(t / 1000.0) * interval '1 second')) * 1000)::bigint`,
  },
] as const;

/**
 * Completes the temporary tables once every entity is folded: each row once, and the level sums, change by
 * change under each of the four keys.
 */
export async function completeExpected(client: PoolClient): Promise<void> {
  await client.query('ANALYZE expected_changes; ANALYZE expected_grains');
  await client.query(`
    CREATE TEMP TABLE expected_amounts_once AS
      SELECT family, tenant, labels, sum(value) AS value FROM expected_amounts
      GROUP BY family, tenant, labels HAVING sum(value) <> 0;
    CREATE TEMP TABLE expected_keys_once AS SELECT DISTINCT * FROM expected_keys;
    CREATE TEMP TABLE expected_changes_once AS
      SELECT level, t, key_id, sum(d)::bigint AS d, sum(n)::bigint AS n FROM expected_changes
      GROUP BY level, t, key_id;
    ANALYZE expected_changes_once`);
  for (const { kind, start } of BUCKETS) {
    await client.query(`
      INSERT INTO expected_sums (level, key_id, bucket_kind, bucket, d, w, n, max_t)
      SELECT level, key, ${kind}, bucket, sum(d), sum(d::numeric * (t - bucket)), sum(n),
        ${kind === 1 ? 'max(t)' : 'NULL'}
      FROM expected_changes_once
        JOIN expected_grains USING (key_id)
        CROSS JOIN LATERAL unnest(keys) AS key
        CROSS JOIN LATERAL (SELECT ${start} AS bucket) AS at
      GROUP BY level, key, bucket`);
  }
}
