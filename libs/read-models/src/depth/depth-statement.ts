import type { LedgerSchema } from '@quipu/ledger';
import { CHECKPOINT_CTE } from '../live-ledger.js';
import type { Statement } from '../statement.js';

/** One row of the statement: the counts of one queue; a row without a tenant only carries the checkpoint. */
export interface DepthStatementRow {
  tenant: string | null;
  queue: string | null;
  due: string;
  later: string;
  blocked: string;
  in_progress: string;
  oldest: string | null;
}

/** Depth from Postgres, one statement: waiting members split by now, blocked and held jobs from the amounts. */
export function depthStatement(schema: LedgerSchema, now: number, tenant: string | null): Statement {
  return {
    name: `depth-${schema}`,
    text: `WITH ${CHECKPOINT_CTE},
counted AS (
  SELECT tenant, labels::json ->> 'queue' AS queue, due, later, 0::numeric AS blocked, 0::numeric AS in_progress,
         oldest
    FROM (SELECT tenant, labels, count(*) FILTER (WHERE score <= $1) AS due,
                 count(*) FILTER (WHERE score > $1) AS later, min(score) FILTER (WHERE score <= $1) AS oldest
            FROM ${schema}.members WHERE family = 'waiting' AND ($2::text IS NULL OR tenant = $2)
           GROUP BY tenant, labels) AS sets
  UNION ALL
  SELECT a.tenant, l.queue, 0, 0, CASE WHEN l.state = 'blocked' THEN a.value ELSE 0 END,
         CASE WHEN l.state IN ('assigned', 'running') THEN a.value ELSE 0 END, NULL
    FROM ${schema}.amounts a
   CROSS JOIN LATERAL (SELECT a.labels::json ->> 'queue' AS queue, a.labels::json ->> 'state' AS state) l
   WHERE a.family = 'jobs' AND ($2::text IS NULL OR a.tenant = $2)
     AND l.state IN ('blocked', 'assigned', 'running')),
queues AS (
  SELECT tenant, queue, sum(due) AS due, sum(later) AS later, sum(blocked) AS blocked,
         sum(in_progress) AS in_progress, min(oldest) AS oldest
    FROM counted GROUP BY tenant, queue)
SELECT c.position, c.schema_name, q.* FROM (SELECT 1) one
  LEFT JOIN checkpoint c ON true LEFT JOIN queues q ON true ORDER BY q.tenant, q.queue`,
    values: [now, tenant],
  };
}
