import type { LogArchive } from '@quipu/event-log';
import type { Pool } from 'pg';

/**
 * The position of the last event recorded at or before `time` (ms); 0 if there is none. Positions are halved instead
 * of searched by an index: recorded times rise with positions, and an index would be written with every event.
 */
export async function positionAt(pool: Pool, archive: LogArchive, time: number): Promise<bigint> {
  const { rows } = await pool.query<{ first: string | null; last: string | null }>(
    `SELECT (SELECT position FROM log ORDER BY position LIMIT 1) AS first,
            (SELECT position FROM log ORDER BY position DESC LIMIT 1) AS last`,
  );
  let low = BigInt(rows[0]?.first ?? 1) - 1n;
  let high = BigInt(rows[0]?.last ?? 0);
  // Everything up to `low` was recorded in time; nothing after `high` was. Positions may be missing in between.
  while (low < high) {
    const middle = (low + high + 1n) / 2n;
    const event = await lastUpTo(pool, middle);
    if (event === null || event.position <= low) {
      low = middle;
    } else if (event.recordedMs <= time) {
      low = middle;
    } else {
      high = event.position - 1n;
    }
  }
  const found = await lastUpTo(pool, low);
  if (found !== null && found.recordedMs <= time) return found.position;
  return (await (await archive.seenBy(pool)).lastRecordedBy(time))?.position ?? 0n;
}

/** When the last event up to `position` was recorded, ms; null if there is none. */
export async function recordedAt(pool: Pool, archive: LogArchive, position: bigint): Promise<number | null> {
  const found = await lastUpTo(pool, position);
  if (found !== null) return found.recordedMs;
  return (await (await archive.seenBy(pool)).lastUpTo(position))?.recordedMs ?? null;
}

async function lastUpTo(
  pool: Pool,
  position: bigint,
): Promise<{ position: bigint; recordedMs: number } | null> {
  const { rows } = await pool.query<{ position: string; recorded_ms: string }>(
    'SELECT position, recorded_ms FROM log WHERE position <= $1::bigint ORDER BY position DESC LIMIT 1',
    [String(position)],
  );
  const row = rows[0];
  return row === undefined ? null : { position: BigInt(row.position), recordedMs: Number(row.recorded_ms) };
}
