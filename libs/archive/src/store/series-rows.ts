import { pgArray } from '@quipu/platform';
import type { ClientBase } from 'pg';
import { Blobs } from './blobs.js';

/** What is kept of a metric, as bytes. */
export interface SeriesRow {
  readonly raw: Buffer;
  readonly tail: Buffer;
}

/** The rows of metrics, by index among `ids`; what has none has no measures. */
export async function loadSeries(
  client: ClientBase,
  ids: readonly string[],
): Promise<ReadonlyMap<number, SeriesRow>> {
  const { rows } = await client.query<{ place: number; raw: Buffer; tail: Buffer }>(
    `SELECT (q.place - 1)::int AS place, s.raw, s.tail
     FROM unnest($1::uuid[]) WITH ORDINALITY AS q(id, place) JOIN archive_series s ON s.metric_id = q.id`,
    [pgArray(ids)],
  );
  return new Map(rows.map((row) => [row.place, row]));
}

/** What a pass made of a metric. */
export interface SeriesWrite extends SeriesRow {
  readonly id: string;
  /** Points that were too old, to be added to those before. */
  readonly late: number;
}

/** Writes the rows of metrics. */
export async function storeSeries(client: ClientBase, writes: readonly SeriesWrite[]): Promise<void> {
  if (writes.length === 0) return;
  const blobs = new Blobs();
  const rawLengths: number[] = [];
  for (const { raw, tail } of writes) {
    blobs.add(raw.length === 0 ? tail : Buffer.concat([raw, tail]));
    rawLengths.push(raw.length);
  }
  await client.query(
    `INSERT INTO archive_series AS s (metric_id, late, raw, tail)
     SELECT id, late, substr($3::bytea, at, cut), substr($3::bytea, at + cut, length - cut)
     FROM unnest($1::uuid[], $2::bigint[], $4::int[], $5::int[], $6::int[]) AS w(id, late, at, length, cut)
     ON CONFLICT (metric_id) DO UPDATE
       SET late = s.late + excluded.late, raw = excluded.raw, tail = excluded.tail`,
    [
      pgArray(writes.map(({ id }) => id)),
      pgArray(writes.map(({ late }) => late)),
      blobs.bytes(),
      pgArray(blobs.starts),
      pgArray(blobs.lengths),
      pgArray(rawLengths),
    ],
  );
}
