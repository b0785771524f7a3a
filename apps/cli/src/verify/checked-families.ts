import type { PoolClient } from 'pg';

/** Amounts and members that the naive fold makes too. */
const CHECKED = [
  'jobs',
  'jobs_finished',
  'nodes',
  'quipu_workers',
  'intervals_skewed',
  'intervals_estimated',
  'waiting',
];

/** Instances are not folded yet. */
const OF_OTHERS = `(family = 'intervals_skewed' AND labels = '{"kind":"instance"}')`;

/** Takes what the naive fold does not make out of the copies, and answers the names of those families. */
export async function leaveUnchecked(client: PoolClient): Promise<string[]> {
  const names = new Set<string>();
  for (const table of ['found_amounts', 'found_members', 'found_redis_totals', 'found_redis_members']) {
    const { rows } = await client.query<{ family: string }>(
      `WITH gone AS (DELETE FROM ${table} WHERE family <> ALL($1::text[]) OR ${OF_OTHERS} RETURNING family)
       SELECT DISTINCT family FROM gone`,
      [CHECKED],
    );
    for (const { family } of rows) names.add(family);
  }
  return [...names].sort();
}
