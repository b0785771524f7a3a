import { KIND_CODES, type LedgerSchema } from '@quipu/ledger';
import { Parameters, type Statement } from '../statement.js';

/** Most events of the log that a question looks at, where there are too many to look at all. */
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

/** The facts of a job that end a wait or a run. */
export const ENDING_TYPES = `'job.started', 'job.completed', 'job.failed', 'job.aborted'`;

/** Which part of the log a question is about: what was recorded since `sinceMs`, up to the checkpoint. */
export interface RecentQuestion {
  readonly checkpoint: bigint;
  readonly sinceMs: number;
}

/**
 * The common table `span` with one row: `low`, the position after which all was recorded since `since`. Where that is
 * is found by halving positions: recorded times rise with them, and an index on times would be written with every event.
 */
function spanTables(head: string, since: string): string {
  return `halves (low, high) AS (
  SELECT coalesce((SELECT l.position FROM log l ORDER BY l.position LIMIT 1), 1) - 1, ${head}
  UNION ALL
  SELECT CASE WHEN e.recorded_ms > ${since} THEN h.low ELSE (h.low + h.high + 1) / 2 END,
         CASE WHEN e.recorded_ms > ${since} THEN e.position - 1 ELSE h.high END
    FROM halves h LEFT JOIN LATERAL (
      SELECT l.position, l.recorded_ms FROM log l
       WHERE l.position <= (h.low + h.high + 1) / 2 AND l.position > h.low
       ORDER BY l.position DESC LIMIT 1) e ON true
   WHERE h.low < h.high),
span AS (SELECT max(h.low) AS low FROM halves h)`;
}

/** Where what was recorded lately begins, and in which epoch of the ledger that is so. */
export interface RecentSpanRow {
  low: string;
  epoch: string;
}

/** Finds {@link RecentSpanRow}. */
export function recentSpanStatement({ checkpoint, sinceMs }: RecentQuestion): Statement {
  return {
    name: 'recent-span',
    text: `WITH RECURSIVE ${spanTables('$1::bigint', '$2::bigint')}
SELECT s.low, e.epoch FROM span s CROSS JOIN ledger_epoch e`,
    values: [String(checkpoint), sinceMs],
  };
}

/**
 * Events recorded since `sinceMs`, up to the checkpoint: all of them, or, where there are more than `maxEvents`, one of
 * every so many positions, so that each is as likely to be seen as any other. The log compares texts by bytes, the
 * entities as the database does: an index serves one of them alone, so texts of the log are told to be compared as the
 * other's.
 */
export function recentFactsStatement(
  schema: LedgerSchema,
  question: RecentQuestion & { readonly tenant: string | null },
  maxEvents: number = MAX_EVENTS,
): Statement {
  const params = new Parameters();
  const head = `${params.add(String(question.checkpoint))}::bigint`;
  const since = `${params.add(question.sinceMs)}::bigint`;
  const tenant = `${params.add(question.tenant)}::text`;
  const most = `${params.add(maxEvents)}::int`;
  return {
    name: `recent-facts-${schema}`,
    text: `WITH RECURSIVE ${spanTables(head, since)},
strides AS (
  SELECT s.low, greatest(1, ceil((${head} - s.low)::numeric / ${most})::bigint) AS stride FROM span s),
seen AS MATERIALIZED (
  SELECT e.tenant COLLATE "default" AS tenant, e.subject COLLATE "default" AS subject, e.type,
         e.data ->> 'attempt' AS attempt
    FROM strides s
   CROSS JOIN LATERAL generate_series(s.low + 1, ${head}, s.stride) p (position)
   CROSS JOIN LATERAL (
     SELECT l.tenant, l.subject, l.type, l.data FROM log l WHERE l.position = p.position LIMIT 1) e
   WHERE e.type IN (${ENDING_TYPES}) AND (${tenant} IS NULL OR e.tenant = ${tenant})),
numbered AS (
  SELECT f.*, row_number() OVER (PARTITION BY f.tenant, f.subject) AS nth FROM seen f)
SELECT s.stride, f.tenant, f.subject, f.type, f.attempt, j.state
  FROM strides s
  LEFT JOIN numbered f ON true
  LEFT JOIN LATERAL (
    SELECT e.state::text AS state FROM ${schema}.entities e
     WHERE e.tenant = f.tenant AND e.kind = ${KIND_CODES.job} AND e.id = f.subject LIMIT 1) j ON f.nth = 1`,
    values: params.values,
  };
}

/** A job that events of a part of the log are about. */
export interface TouchedJobRow {
  tenant: string;
  subject: string;
  /** Position of the last of those events. */
  position: string;
  /** One of them may have ended a wait or a run. */
  ends: boolean;
}

/** The jobs that events after `from`, up to `to`, are about, in the order of the last event of each. */
export function touchedJobsStatement(from: bigint, to: bigint): Statement {
  return {
    name: 'touched-jobs',
    text: `SELECT l.tenant, l.subject, max(l.position) AS position, bool_or(l.type IN (${ENDING_TYPES})) AS ends
  FROM log l WHERE l.position > $1::bigint AND l.position <= $2::bigint AND l.type LIKE 'job.%'
 GROUP BY l.tenant, l.subject ORDER BY position`,
    values: [String(from), String(to)],
  };
}
