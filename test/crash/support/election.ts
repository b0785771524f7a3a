import type { Pool } from 'pg';

/** "QPL1": the class of the advisory locks that elect the one runner of a projection. */
const ELECTION_LOCK_CLASS = 0x51_50_4c_31;

/** A session of Postgres that holds the election. */
export interface Leader {
  /** Backend of its connection. */
  readonly backend: number;
  /** Application name of its connection: the name its projector was started under. */
  readonly name: string;
}

/** Who leads on this database now, or null. */
export async function leaderOf(pool: Pool): Promise<Leader | null> {
  const { rows } = await pool.query<Leader>(
    `SELECT a.pid AS backend, a.application_name AS name
     FROM pg_locks l JOIN pg_stat_activity a USING (pid)
     WHERE l.locktype = 'advisory' AND l.granted AND l.classid = $1 AND a.datname = current_database()`,
    [ELECTION_LOCK_CLASS],
  );
  return rows[0] ?? null;
}

/** How many connections a projector of this name has opened since `since` (a timestamp of the database). */
export async function connectionsSince(pool: Pool, name: string, since: Date): Promise<number> {
  const { rows } = await pool.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = $1 AND backend_start > $2`,
    [name, since],
  );
  return rows[0]?.n ?? 0;
}
