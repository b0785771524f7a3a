import { LEVEL_CODES, type LedgerSchema } from '@quipu/ledger';
import type { Pool } from 'pg';
import { CHECKPOINT_CTE, LiveLedger } from '../live-ledger.js';
import type { Statement } from '../statement.js';

/** What the slots of a tenant's workers came to, over the time that they were registered. */
export interface ConservedSlots {
  readonly tenant: string;
  /** (busy + idle + offline) / registered as a decimal with up to 15 digits after the point; `1` if nothing is lost. */
  readonly ratio: string;
}

interface ConservedRow {
  tenant: string | null;
  ratio: string | null;
}

const LEVELS = [LEVEL_CODES.busy, LEVEL_CODES.idle, LEVEL_CODES.offline].join(', ');

/**
 * Whether busy, idle and offline add up to the time that workers were registered: the former from the sums of levels, the
 * latter from running totals, which are kept apart. Costs what there are tenants with workers. Platform knowledge.
 */
export class WorkerConservation {
  private readonly ledger: LiveLedger;

  constructor(pool: Pool) {
    this.ledger = new LiveLedger(pool);
  }

  /** Each tenant whose workers were registered for some time by `now` (ms), in order. */
  async read(now: number): Promise<ConservedSlots[]> {
    const { rows } = await this.ledger.read<ConservedRow & { tenant: string | null }>((schema) =>
      statement(schema, now),
    );
    return rows.flatMap(({ tenant, ratio }) =>
      tenant === null || ratio === null ? [] : [{ tenant, ratio }],
    );
  }
}

function statement(schema: LedgerSchema, now: number): Statement {
  const text = `
WITH ${CHECKPOINT_CTE},
registered AS (
  SELECT tenant, sum(CASE family WHEN 'worker_seconds' THEN value ELSE value * $1::bigint END) AS time
    FROM ${schema}.amounts
   WHERE family IN ('worker_seconds', 'worker_seconds:rate') AND labels::json ->> 'state' = 'registered'
   GROUP BY tenant),
conserved AS (
  SELECT r.tenant, trim_scale(round(coalesce(s.time, 0) / r.time, 15))::text AS ratio
    FROM registered r
    LEFT JOIN LATERAL (
      SELECT sum(s.d::numeric * ($1::bigint - s.bucket) - s.w) AS time
        FROM ${schema}.usage_keys k JOIN ${schema}.level_sums s ON s.key_id = k.key_id
       WHERE k.grain = 2 AND k.tenant = r.tenant AND s.level IN (${LEVELS}) AND s.bucket_kind = 3) s ON true
   WHERE r.time > 0)
SELECT c.position, c.schema_name, o.tenant, o.ratio
  FROM checkpoint c LEFT JOIN conserved o ON true ORDER BY o.tenant COLLATE "C"`;
  return { text, values: [now] };
}
