import { pgArray } from '@quipu/platform';
import type { ClientBase, Pool } from 'pg';
import { decodePoints, encodePoints, type MetricPoints } from '../measures/batch-codec.js';
import type { Points } from '../measures/points.js';
import { Blobs } from './blobs.js';

/** Puts points aside, in this order, for whoever has their metric next. */
export async function addPending(client: ClientBase, parts: readonly MetricPoints[]): Promise<void> {
  const blobs = new Blobs();
  for (const { points } of parts) blobs.add(encodePoints(points));
  await client.query(
    `INSERT INTO archive_pending (metric_id, measures, points)
     SELECT id, measures, substr($3::bytea, at, length)
     FROM unnest($1::uuid[], $2::int[], $4::int[], $5::int[]) WITH ORDINALITY AS p(id, measures, at, length, place)
     ORDER BY place`,
    [
      pgArray(parts.map(({ metricId }) => metricId)),
      pgArray(parts.map(({ points }) => points.values.length)),
      blobs.bytes(),
      pgArray(blobs.starts),
      pgArray(blobs.lengths),
    ],
  );
}

/** How much is put aside for a metric. */
export interface PendingSize {
  readonly measures: number;
  readonly chunks: number;
}

/** How much is put aside for each of some metrics; those of which nothing is are left out. */
export async function pendingSizes(
  client: ClientBase,
  ids: readonly string[],
): Promise<Map<string, PendingSize>> {
  const { rows } = await client.query<{ id: string; measures: string; chunks: number }>(
    `SELECT metric_id AS id, sum(measures)::text AS measures, count(*)::int AS chunks FROM archive_pending
     WHERE metric_id = ANY($1::uuid[]) GROUP BY metric_id`,
    [pgArray(ids)],
  );
  return new Map(rows.map(({ id, measures, chunks }) => [id, { measures: Number(measures), chunks }]));
}

/** Counts measures that were dropped, by metric. */
export async function countDropped(client: ClientBase, dropped: ReadonlyMap<string, number>): Promise<void> {
  await client.query(
    // In one order everywhere: two sessions must not wait for each other.
    `INSERT INTO archive_dropped AS d (metric_id, measures)
     SELECT id, measures FROM unnest($1::uuid[], $2::bigint[]) AS n(id, measures) ORDER BY id
     ON CONFLICT (metric_id) DO UPDATE SET measures = d.measures + excluded.measures`,
    [pgArray([...dropped.keys()]), pgArray([...dropped.values()])],
  );
}

/** Takes away what was put aside for metrics, in the order it came, by index among `ids`. */
export async function takePending(
  client: ClientBase,
  ids: readonly string[],
): Promise<ReadonlyMap<number, Points[]>> {
  const { rows } = await client.query<{ place: number; points: Buffer }>(
    `WITH taken AS (
       DELETE FROM archive_pending
       WHERE (SELECT EXISTS (SELECT FROM archive_pending)) AND metric_id = ANY($1::uuid[])
       RETURNING id, metric_id, points)
     SELECT array_position($1::uuid[], metric_id) - 1 AS place, points FROM taken ORDER BY id`,
    [pgArray(ids)],
  );
  const pending = new Map<number, Points[]>();
  for (const { place, points } of rows) {
    const decoded = decodePoints(points);
    if (decoded === null) throw new RangeError('Pending points cannot be read.');
    const of = pending.get(place);
    if (of === undefined) pending.set(place, [decoded.points]);
    else of.push(decoded.points);
  }
  return pending;
}

/** Removes what was put aside and counted for metrics that are gone; answers with how many chunks that were. */
export async function sweepPending(pool: Pool): Promise<number> {
  const { rowCount } = await pool.query(
    `DELETE FROM archive_pending p
     WHERE NOT EXISTS (SELECT FROM archive_metrics m WHERE m.id = p.metric_id)`,
  );
  await pool.query(
    `DELETE FROM archive_dropped d
     WHERE NOT EXISTS (SELECT FROM archive_metrics m WHERE m.id = d.metric_id)`,
  );
  return rowCount ?? 0;
}

/** Metrics that have something put aside, and how many measures; the longest waiting first. */
export async function pendingMetrics(pool: Pool, limit: number): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ id: string; measures: string }>(
    `SELECT metric_id AS id, sum(measures)::text AS measures FROM archive_pending
     GROUP BY metric_id ORDER BY min(id) LIMIT $1`,
    [limit],
  );
  return new Map(rows.map(({ id, measures }) => [id, Number(measures)]));
}

/** Those of the metrics that have something put aside. */
export async function amongPending(pool: Pool, ids: readonly string[]): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `SELECT DISTINCT metric_id AS id FROM archive_pending WHERE metric_id = ANY($1::uuid[])`,
    [pgArray(ids)],
  );
  return rows.map(({ id }) => id);
}
