import { type Pool } from 'pg';

/** A question to the intervals table. */
export interface IntervalQuery {
  readonly startMs: number;
  readonly endMs: number;
  readonly tenant?: string;
}

/**
 * Makes what one would keep without Quipu: a table with one row per interval and indexes for the questions.
 * It is filled from the log (jobs of synthetic workloads run once).
 */
export async function createIntervals(pool: Pool): Promise<void> {
  await pool.query(`
    CREATE TABLE intervals AS
    SELECT queued.tenant, queued.subject, queued.data ->> 'user' AS user_id, queued.data ->> 'queue' AS queue,
           queued.data ->> 'cluster' AS cluster, (queued.data ->> 'nodes')::bigint AS nodes,
           started.time_ms AS start_ms, ended.time_ms AS end_ms
      FROM log queued
      JOIN log started USING (tenant, subject)
      JOIN log ended USING (tenant, subject)
     WHERE queued.type = 'job.queued' AND started.type = 'job.started'
       AND ended.type IN ('job.completed', 'job.failed', 'job.aborted')`);
  await pool.query('CREATE INDEX ON intervals (start_ms, end_ms)');
  await pool.query('CREATE INDEX ON intervals (tenant, start_ms, end_ms) INCLUDE (nodes)');
  await pool.query('CREATE INDEX ON intervals (cluster, start_ms)');
  await pool.query('VACUUM ANALYZE intervals');
}

/** Node-milliseconds within a window, by plain SQL. */
export async function intervalsUsage(pool: Pool, query: IntervalQuery): Promise<bigint> {
  const { rows } = await pool.query<{ used: string | null }>({
    name: query.tenant === undefined ? 'bench-intervals' : 'bench-intervals-tenant',
    text: `SELECT sum(nodes * (least(end_ms, $2) - greatest(start_ms, $1)))::text AS used
             FROM intervals
            WHERE start_ms < $2 AND end_ms > $1 ${query.tenant === undefined ? '' : 'AND tenant = $3'}`,
    values: [query.startMs, query.endMs, ...(query.tenant === undefined ? [] : [query.tenant])],
  });
  return BigInt(rows[0]?.used ?? 0);
}
