import { pgArray } from '@quipu/platform';
import type { ClientBase, Pool } from 'pg';

/** Notes batches and tells which of them were not noted before. A batch that another session is noting is waited for. */
export async function noteBatches(
  client: ClientBase,
  ids: readonly string[],
  nowMs: number,
): Promise<Set<string>> {
  const { rows } = await client.query<{ id: string }>(
    // In one order everywhere: two sessions with the same batches must not wait for each other.
    `INSERT INTO archive_batches (id, committed_ms)
     SELECT DISTINCT id, $2::bigint FROM unnest($1::uuid[]) AS id ORDER BY id
     ON CONFLICT DO NOTHING RETURNING id`,
    [pgArray(ids), nowMs],
  );
  return new Set(rows.map(({ id }) => id));
}

/** Some batches that were noted before a time, the oldest first. */
export async function oldBatches(pool: Pool, beforeMs: number, limit: number): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `SELECT id FROM archive_batches WHERE committed_ms < $1 ORDER BY committed_ms LIMIT $2`,
    [beforeMs, limit],
  );
  return rows.map(({ id }) => id);
}

/** Forgets batches. */
export async function forgetBatches(pool: Pool, ids: readonly string[]): Promise<void> {
  await pool.query(`DELETE FROM archive_batches WHERE id = ANY($1::uuid[])`, [pgArray(ids)]);
}
