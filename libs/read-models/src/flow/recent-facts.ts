import { KIND_CODES, type LedgerSchema } from '@quipu/ledger';
import { Parameters, type Statement } from '../statement.js';

/** Most events of the log that a question looks at. */
export const MAX_EVENTS = 2_500;

/** An event of the last minutes that ended a wait or a run, and the state of its job. */
export interface RecentFactRow {
  /** 1: every event was looked at; else one of so many. */
  stride: string;
  tenant: string | null;
  subject: string | null;
  type: string | null;
  attempt: string | null;
  /** Once per job: the others of that job carry null. */
  state: string | null;
}

const TYPES = `'job.started', 'job.completed', 'job.failed', 'job.aborted'`;

/**
 * Events recorded since `sinceMs`, up to the checkpoint: all of them, or, where there are more than {@link MAX_EVENTS},
 * one of every so many positions, so that each is as likely to be seen as any other. Where they begin is found by
 * halving positions: recorded times rise with them, and an index on times would be written with every event. The log
 * compares texts by bytes, the entities as the database does: an index serves one of them alone, so texts of the log are
 * told to be compared as the other's.
 */
export function recentFactsStatement(
  schema: LedgerSchema,
  question: {
    readonly checkpoint: bigint;
    readonly sinceMs: number;
    readonly tenant: string | null;
  },
): Statement {
  const params = new Parameters();
  const head = `${params.add(String(question.checkpoint))}::bigint`;
  const since = `${params.add(question.sinceMs)}::bigint`;
  const tenant = `${params.add(question.tenant)}::text`;
  return {
    name: `recent-facts-${schema}`,
    text: `WITH RECURSIVE halves (low, high) AS (
  SELECT coalesce((SELECT l.position FROM log l ORDER BY l.position LIMIT 1), 1) - 1, ${head}
  UNION ALL
  SELECT CASE WHEN e.recorded_ms > ${since} THEN h.low ELSE (h.low + h.high + 1) / 2 END,
         CASE WHEN e.recorded_ms > ${since} THEN e.position - 1 ELSE h.high END
    FROM halves h LEFT JOIN LATERAL (
      SELECT l.position, l.recorded_ms FROM log l
       WHERE l.position <= (h.low + h.high + 1) / 2 AND l.position > h.low
       ORDER BY l.position DESC LIMIT 1) e ON true
   WHERE h.low < h.high),
span AS (
  SELECT max(h.low) AS low, greatest(1, ceil((${head} - max(h.low))::numeric / ${MAX_EVENTS})::bigint) AS stride
    FROM halves h),
seen AS MATERIALIZED (
  SELECT e.tenant COLLATE "default" AS tenant, e.subject COLLATE "default" AS subject, e.type,
         e.data ->> 'attempt' AS attempt
    FROM span s
   CROSS JOIN LATERAL generate_series(s.low + 1, ${head}, s.stride) p (position)
   CROSS JOIN LATERAL (
     SELECT l.tenant, l.subject, l.type, l.data FROM log l WHERE l.position = p.position LIMIT 1) e
   WHERE e.type IN (${TYPES}) AND (${tenant} IS NULL OR e.tenant = ${tenant})),
numbered AS (
  SELECT f.*, row_number() OVER (PARTITION BY f.tenant, f.subject) AS nth FROM seen f)
SELECT s.stride, f.tenant, f.subject, f.type, f.attempt, j.state
  FROM span s
  LEFT JOIN numbered f ON true
  LEFT JOIN LATERAL (
    SELECT e.state::text AS state FROM ${schema}.entities e
     WHERE e.tenant = f.tenant AND e.kind = ${KIND_CODES.job} AND e.id = f.subject LIMIT 1) j ON f.nth = 1`,
    values: params.values,
  };
}
