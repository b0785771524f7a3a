import type { Pool } from 'pg';

/** Which log it is that is counted. */
export interface LogIdentity {
  /** Another one after a restore. */
  readonly id: string;
  /** When it began to count, ms: when the database came into being, or was restored. */
  readonly sinceMs: number;
}

/** Which log this database holds. @throws when Postgres is away. */
export async function readLogIdentity(pool: Pool): Promise<LogIdentity> {
  const { rows } = await pool.query<{ id: string; since_ms: string }>(
    'SELECT id, since_ms FROM log_identity',
  );
  const { id, since_ms } = rows[0]!;
  return { id, sinceMs: Number(since_ms) };
}
