import { pgArray } from '@quipu/platform';
import type { ClientBase } from 'pg';
import type { Instant } from '../measures/points.js';

/** Which resource a metric belongs to. */
export interface ResourceKey {
  readonly tenant: string;
  readonly id: string;
}

/** A resource, and when the newest measure was that one of its metrics took. */
export interface MeasuredResource {
  readonly resource: ResourceKey;
  readonly newest: Instant;
}

/**
 * Resources that measure after their end have none any more, and begin a revision. One that somebody else has locked
 * is not waited for: whoever has it reopens or removes it.
 * @param nowMs when the revision begins.
 */
export async function reopenResources(
  client: ClientBase,
  measured: readonly MeasuredResource[],
  nowMs: number,
): Promise<void> {
  if (measured.length === 0) return;
  const ends = [...newestOfEach(measured)];
  await client.query(
    // Revisions begin at different times: else who asks with an ETag would hear that nothing has changed.
    `WITH held AS MATERIALIZED (
       SELECT r.tenant, r.id FROM unnest($1::text[], $2::uuid[], $3::bigint[]) AS w (tenant, id, newest_us)
         JOIN archive_resources r ON r.tenant = w.tenant AND r.id = w.id AND r.ended_us < w.newest_us
       ORDER BY r.id, r.tenant FOR NO KEY UPDATE OF r SKIP LOCKED)
     UPDATE archive_resources r
        SET ended_us = NULL, revision_start_us = greatest(r.revision_start_us + 1, $4::bigint)
       FROM held WHERE r.tenant = held.tenant AND r.id = held.id`,
    [
      pgArray(ends.map(({ resource }) => resource.tenant)),
      pgArray(ends.map(({ resource }) => resource.id)),
      pgArray(ends.map(({ newestUs }) => newestUs)),
      nowMs * 1_000,
    ],
  );
}

interface NewestOf {
  readonly resource: ResourceKey;
  readonly newestUs: bigint;
}

function newestOfEach(measured: readonly MeasuredResource[]): Iterable<NewestOf> {
  const each = new Map<string, NewestOf>();
  for (const { resource, newest } of measured) {
    const key = `${resource.id}@${resource.tenant}`;
    const newestUs = microseconds(newest);
    if (newestUs > (each.get(key)?.newestUs ?? -1n)) each.set(key, { resource, newestUs });
  }
  return each.values();
}

/** The first microsecond that is not before an instant: what ended before it, ended before the instant. */
function microseconds({ seconds, nanos }: Instant): bigint {
  return BigInt(seconds) * 1_000_000n + BigInt(Math.ceil(nanos / 1_000));
}
