import type { RefusalReason } from '@quipu/contracts';
import type { Pool } from 'pg';

/** A dead letter as stored. */
export interface DeadLetter {
  id: bigint;
  raw: Buffer;
  reason: RefusalReason;
  detail: string;
  tenant: string | null;
  firstSeenMs: number;
  lastSeenMs: number;
  /** How often these bytes were refused for this reason. */
  seen: number;
  jobId: string | null;
}

/** How many dead letters stand open, by reason. */
export async function countDeadLetters(pool: Pool): Promise<Map<RefusalReason, number>> {
  const { rows } = await pool.query<{ reason: RefusalReason; count: number }>(
    `SELECT reason, count(*)::integer AS count FROM dead_letters WHERE status = 'open' GROUP BY reason`,
  );
  return new Map(rows.map((row) => [row.reason, row.count]));
}

/** The newest open dead letters, newest first. */
export async function listDeadLetters(pool: Pool, limit: number): Promise<DeadLetter[]> {
  const { rows } = await pool.query<{
    id: string;
    raw: Buffer;
    reason: RefusalReason;
    detail: string;
    tenant: string | null;
    first_seen_ms: string;
    last_seen_ms: string;
    seen: number;
    job_id: string | null;
  }>(
    `SELECT id, raw, reason, detail, tenant, first_seen_ms, last_seen_ms, seen, job_id
     FROM dead_letters WHERE status = 'open' ORDER BY id DESC LIMIT $1`,
    [limit],
  );
  return rows.map((row) => ({
    id: BigInt(row.id),
    raw: row.raw,
    reason: row.reason,
    detail: row.detail,
    tenant: row.tenant,
    firstSeenMs: Number(row.first_seen_ms),
    lastSeenMs: Number(row.last_seen_ms),
    seen: row.seen,
    jobId: row.job_id,
  }));
}
