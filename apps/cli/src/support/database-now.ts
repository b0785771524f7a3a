import { type Pool } from 'pg';

/** The time by the database's clock (ms), which is the clock that the log and its dead letters are stamped by. */
export async function databaseNow(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ now_ms: string }>(
    'SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::text AS now_ms',
  );
  return Number(rows[0]?.now_ms ?? 0);
}
