import type { Pool } from 'pg';

/** One counter of what the log did not take. */
export interface IngestCount {
  readonly kind: 'rejected' | 'duplicate';
  /** Why it was refused; empty for duplicates. */
  readonly reason: string;
  readonly count: bigint;
  /** When counting began, ms. */
  readonly sinceMs: number;
}

/** How often events were refused, by reason, and met again, since the database exists. */
export async function readIngestCounts(pool: Pool): Promise<IngestCount[]> {
  const { rows } = await pool.query<{
    kind: IngestCount['kind'];
    reason: string;
    count: string;
    since_ms: string;
  }>('SELECT kind, reason, count, since_ms FROM ingest_counts ORDER BY kind, reason');
  return rows.map(({ kind, reason, count, since_ms }) => ({
    ...{ kind, reason, count: BigInt(count), sinceMs: Number(since_ms) },
  }));
}
