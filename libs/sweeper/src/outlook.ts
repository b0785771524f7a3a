import { LEDGER_PROJECTION, type LedgerSchema, parseLedgerSchema } from '@quipu/ledger';
import type { SweeperClient } from './feed.js';

/** Where log, ledger and sweeper stand, by the database's clock. */
export interface Outlook {
  /** ms */
  readonly nowMs: number;
  /** Position of the last event in the log. */
  readonly head: bigint;
  /** How far the sweeper has read. */
  readonly position: bigint;
  /** How long the oldest event has been in the log that the ledger has not folded, ms; 0 if there is none. */
  readonly lagMs: number;
  /** The ledger stands still at an event it cannot fold. */
  readonly halted: boolean;
  /** Where the live ledger's tables are; null while there is none. */
  readonly ledger: LedgerSchema | null;
}

const OUTLOOK = `
SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms,
       coalesce((SELECT position FROM log ORDER BY position DESC LIMIT 1), 0) AS head,
       (SELECT position FROM sweeper_state) AS position,
       (SELECT recorded_ms FROM log WHERE position > coalesce(live.position, 0) ORDER BY position LIMIT 1) AS oldest_ms,
       live.halted_position IS NOT NULL AS halted, live.schema_name
  FROM (SELECT 1) AS one
  LEFT JOIN (SELECT position, halted_position, schema_name FROM projections WHERE name = $1 AND status = 'live') AS live
    ON true`;

interface OutlookRow {
  now_ms: string;
  head: string;
  position: string;
  oldest_ms: string | null;
  halted: boolean;
  schema_name: string | null;
}

/** Reads where everything stands, in one statement. */
export async function readOutlook(client: SweeperClient): Promise<Outlook> {
  const { rows } = await client.query<OutlookRow>(OUTLOOK, [LEDGER_PROJECTION]);
  const row = rows[0]!;
  const nowMs = Number(row.now_ms);
  return {
    ...{ nowMs, head: BigInt(row.head), position: BigInt(row.position), halted: row.halted },
    lagMs: row.oldest_ms === null ? 0 : Math.max(0, nowMs - Number(row.oldest_ms)),
    ledger: row.schema_name === null ? null : parseLedgerSchema(row.schema_name),
  };
}
