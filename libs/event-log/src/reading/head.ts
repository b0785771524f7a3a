import type { Pool } from 'pg';

/** Where the log ends. */
export interface LogHead {
  /** Position of the last event, 0 while there is none. */
  position: bigint;
  /** When it was appended. */
  recordedMs: number | null;
}

/** The last event's position and time of record. */
export async function readHead(pool: Pool): Promise<LogHead> {
  const { rows } = await pool.query<{ position: string; recorded_ms: string }>(
    'SELECT position, recorded_ms FROM log ORDER BY position DESC LIMIT 1',
  );
  const last = rows[0];
  if (last === undefined) return { position: 0n, recordedMs: null };
  return { position: BigInt(last.position), recordedMs: Number(last.recorded_ms) };
}
