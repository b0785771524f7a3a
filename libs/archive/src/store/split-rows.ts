import { pgArray } from '@quipu/platform';
import type { ClientBase } from 'pg';
import { encodeSplit } from '../series/split-codec.js';
import type { SplitExpiry, SplitWrite } from '../series/reseal.js';
import { Blobs } from './blobs.js';

/** Which splits are asked for: all of a granularity of a metric from one on. */
export interface SplitQuery {
  readonly metricId: string;
  readonly granularityNs: bigint;
  readonly from: number;
}

/** A stored split of a method. */
export interface SplitRow {
  readonly method: number;
  readonly split: number;
  readonly buckets: Buffer;
}

/** The splits asked for, by index of the query; of each method in order. */
export async function loadSplits(
  client: ClientBase,
  queries: readonly SplitQuery[],
): Promise<ReadonlyMap<number, SplitRow[]>> {
  const found = new Map<number, SplitRow[]>();
  if (queries.length === 0) return found;
  const { rows } = await client.query<SplitRow & { place: number }>(
    `SELECT (q.place - 1)::int AS place, s.aggregation AS method, s.split::float8 AS split, s.buckets
     FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS q(id, granularity_ns, first, place)
     JOIN archive_splits s ON s.metric_id = q.id AND s.granularity_ns = q.granularity_ns AND s.split >= q.first
     ORDER BY q.place, s.aggregation, s.split`,
    [
      pgArray(queries.map(({ metricId }) => metricId)),
      pgArray(queries.map(({ granularityNs }) => granularityNs)),
      pgArray(queries.map(({ from }) => from)),
    ],
  );
  for (const row of rows) {
    const of = found.get(row.place);
    if (of === undefined) found.set(row.place, [row]);
    else of.push(row);
  }
  return found;
}

/** Writes splits over what they held. */
export async function storeSplits(
  client: ClientBase,
  writes: readonly (SplitWrite & { readonly metricId: string })[],
): Promise<void> {
  if (writes.length === 0) return;
  const blobs = new Blobs();
  for (const { split, column } of writes) blobs.add(encodeSplit(split, column));
  await client.query(
    `INSERT INTO archive_splits (metric_id, granularity_ns, aggregation, split, buckets)
     SELECT id, granularity_ns, aggregation, split, substr($5::bytea, at, length)
     FROM unnest($1::uuid[], $2::bigint[], $3::smallint[], $4::bigint[], $6::int[], $7::int[])
       AS w(id, granularity_ns, aggregation, split, at, length)
     ON CONFLICT (metric_id, granularity_ns, aggregation, split) DO UPDATE SET buckets = excluded.buckets`,
    [
      pgArray(writes.map(({ metricId }) => metricId)),
      pgArray(writes.map(({ granularityNs }) => granularityNs)),
      pgArray(writes.map(({ method }) => method)),
      pgArray(writes.map(({ split }) => split)),
      blobs.bytes(),
      pgArray(blobs.starts),
      pgArray(blobs.lengths),
    ],
  );
}

/** Removes splits that hold nothing that is kept. */
export async function expireSplits(
  client: ClientBase,
  expiries: readonly (SplitExpiry & { readonly metricId: string })[],
): Promise<void> {
  if (expiries.length === 0) return;
  await client.query(
    `DELETE FROM archive_splits s
     USING unnest($1::uuid[], $2::bigint[], $3::smallint[], $4::bigint[]) AS e(id, granularity_ns, aggregation, before)
     WHERE s.metric_id = e.id AND s.granularity_ns = e.granularity_ns AND s.aggregation = e.aggregation
       AND s.split < e.before`,
    [
      pgArray(expiries.map(({ metricId }) => metricId)),
      pgArray(expiries.map(({ granularityNs }) => granularityNs)),
      pgArray(expiries.map(({ method }) => method)),
      pgArray(expiries.map(({ before }) => before)),
    ],
  );
}
