import type { LedgerSchema } from '@quipu/ledger';
import { CHECKPOINT_CTE } from '../live-ledger.js';
import type { Statement } from '../statement.js';

/** One amount; a row without a family only carries the checkpoint. */
export interface AmountRow {
  family: string | null;
  tenant: string | null;
  labels: string | null;
  value: string | null;
}

/** One member set, counted; a row without a tenant only carries the checkpoint. */
export interface MemberRow {
  tenant: string | null;
  labels: string | null;
  at_least: string[] | null;
  total: string | null;
  lowest: string | null;
}

/** Every amount, with the checkpoint. */
export function amountsStatement(schema: LedgerSchema): Statement {
  return {
    name: `totals-amounts-${schema}`,
    text: `WITH ${CHECKPOINT_CTE}
SELECT c.position, c.schema_name, a.family, a.tenant, a.labels, a.value::text
  FROM checkpoint c LEFT JOIN ${schema}.amounts a ON true`,
    values: [],
  };
}

/** Members of each set of a family, counted at or above some scores. */
export function membersStatement(schema: LedgerSchema, family: string, bounds: readonly number[]): Statement {
  const counts = bounds.map((_, i) => `count(*) FILTER (WHERE score >= $${i + 2}::bigint)`);
  return {
    name: `totals-members-${bounds.length}-${schema}`,
    text: `WITH ${CHECKPOINT_CTE},
counted AS (
  SELECT tenant, labels, ARRAY[${counts.join(', ')}]::text[] AS at_least, count(*) AS total, min(score) AS lowest
    FROM ${schema}.members WHERE family = $1 GROUP BY tenant, labels)
SELECT c.position, c.schema_name, m.* FROM checkpoint c LEFT JOIN counted m ON true`,
    values: [family, ...bounds],
  };
}
