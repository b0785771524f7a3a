import type { ClientBase } from 'pg';
import { addPending, countDropped, pendingSizes } from '../store/pending-rows.js';
import type { MetricPoints } from './batch-codec.js';
import { joinPoints, type Points, slicePoints } from './points.js';

/** What may wait for one metric. */
export interface PendingLimits {
  readonly measures: number;
  readonly chunks: number;
}

/** As many measures as are kept of a metric between passes; each try reads all of them. */
export const PENDING_LIMITS: PendingLimits = { measures: 1_000_000, chunks: 10_000 };

/**
 * Puts points aside for whoever has their metrics next. What there is no room for, since a metric cannot be had for
 * long, is dropped and counted.
 * @returns how many measures were dropped.
 */
export async function setAside(
  client: ClientBase,
  parts: readonly (readonly [metricId: string, chunks: readonly Points[]])[],
  limits: PendingLimits,
): Promise<number> {
  const given = parts.filter(([, chunks]) => chunks.length > 0);
  if (given.length === 0) return 0;
  const sizes = await pendingSizes(
    client,
    given.map(([metricId]) => metricId),
  );
  const kept: MetricPoints[] = [];
  const dropped = new Map<string, number>();
  let total = 0;
  for (const [metricId, chunks] of given) {
    const points = joinPoints(chunks);
    const { measures, chunks: rows } = sizes.get(metricId) ?? { measures: 0, chunks: 0 };
    const room = rows < limits.chunks ? Math.max(0, limits.measures - measures) : 0;
    const length = points.values.length;
    if (room > 0) kept.push({ metricId, points: slicePoints(points, 0, Math.min(room, length)) });
    if (room >= length) continue;
    dropped.set(metricId, length - room);
    total += length - room;
  }
  if (kept.length > 0) await addPending(client, kept);
  if (dropped.size > 0) await countDropped(client, dropped);
  return total;
}
