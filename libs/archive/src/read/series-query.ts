import { pgArray } from '@quipu/platform';
import type { Pool } from 'pg';
import { type Column, NO_BUCKETS } from '../aggregate/aggregate.js';
import { methodCode } from '../policy/methods.js';
import { joinColumns, retain, sliceColumn } from '../series/columns.js';
import { decodeSplit, splitOf } from '../series/split-codec.js';
import { decodeTailOf, type TailColumn } from '../series/tail.js';

/** One granularity of a metric, and the buckets wanted of it. */
export interface SeriesQuery {
  readonly metricId: string;
  readonly granularityNs: bigint;
  /** How many buckets its policy keeps; null: all. */
  readonly points: number | null;
  /** First bucket (inclusive) and last (exclusive). */
  readonly from: number;
  readonly to: number;
}

/** Farther than any split. */
const LAST_SPLIT = 9e15;

interface Row {
  /** Index of the metric for a tail, of the query for a split. */
  readonly place: number;
  /** Null: a tail. */
  readonly split: number | null;
  readonly bytes: Buffer;
}

/**
 * One aggregation of several series, by index of the query. One statement, so that all is of one moment: what moves
 * from a tail to a split is seen once. Null if that were more than `mostSplits`: an answer must fit into memory.
 */
export async function readSeries(
  pool: Pool,
  method: string,
  queries: readonly SeriesQuery[],
  mostSplits: number,
): Promise<Column[] | null> {
  if (queries.length === 0) return [];
  const ids = [...new Set(queries.map(({ metricId }) => metricId))];
  if (!(await fits(pool, method, queries, mostSplits))) return null;
  const { rows } = await pool.query<Row>({
    // Prepared once a connection: planning it takes longer than running it.
    name: 'quipu-archive-read',
    text: READ,
    values: [
      pgArray(ids),
      pgArray(queries.map(({ metricId }) => metricId)),
      pgArray(queries.map(({ granularityNs }) => granularityNs)),
      pgArray(queries.map(({ from }) => splitOf(from))),
      pgArray(queries.map(({ to }) => (to === Infinity ? LAST_SPLIT : splitOf(to)))),
      methodCode(method),
    ],
  });
  const tails = new Map<string, ReadonlyMap<bigint, TailColumn>>();
  const splits = new Map<number, Column[]>();
  for (const { place, split, bytes } of rows) {
    if (split === null) {
      tails.set(ids[place]!, decodeTailOf(bytes, method));
      continue;
    }
    const of = splits.get(place) ?? [];
    of.push(decodeSplit(split, bytes));
    splits.set(place, of);
  }
  return queries.map(({ metricId, granularityNs, points, from, to }, place) => {
    const tail = tails.get(metricId)?.get(granularityNs);
    if (tail === undefined) return NO_BUCKETS;
    const all = joinColumns([...(splits.get(place) ?? []), tail.column]);
    return sliceColumn(retain(all, points, tail.newest), from, to);
  });
}

/** Whether an answer is small enough; counted only where a policy keeps so much that it may not be. */
async function fits(
  pool: Pool,
  method: string,
  queries: readonly SeriesQuery[],
  mostSplits: number,
): Promise<boolean> {
  const most = queries.reduce(
    (sum, { points, from, to }) =>
      sum + Math.min(splitOf(points ?? Infinity), splitOf(to) - splitOf(from)) + 2,
    0,
  );
  if (most <= mostSplits) return true;
  const { rows } = await pool.query<{ splits: number }>(COUNT, [
    pgArray(queries.map(({ metricId }) => metricId)),
    pgArray(queries.map(({ granularityNs }) => granularityNs)),
    pgArray(queries.map(({ from }) => splitOf(from))),
    pgArray(queries.map(({ to }) => (to === Infinity ? LAST_SPLIT : splitOf(to)))),
    methodCode(method),
  ]);
  return (rows[0]?.splits ?? 0) <= mostSplits;
}

const COUNT = `
  SELECT count(*)::int AS splits
  FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[]) AS q(id, granularity_ns, first, last)
  JOIN archive_splits s ON s.metric_id = q.id AND s.granularity_ns = q.granularity_ns
    AND s.aggregation = $5::smallint AND s.split BETWEEN q.first AND q.last`;

const READ = `
  SELECT (q.place - 1)::int AS place, NULL::float8 AS split, s.tail AS bytes
  FROM unnest($1::uuid[]) WITH ORDINALITY AS q(id, place) JOIN archive_series s ON s.metric_id = q.id
  UNION ALL
  (SELECT (q.place - 1)::int, s.split::float8, s.buckets
   FROM unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[])
     WITH ORDINALITY AS q(id, granularity_ns, first, last, place)
   JOIN archive_splits s ON s.metric_id = q.id AND s.granularity_ns = q.granularity_ns
     AND s.aggregation = $6::smallint AND s.split BETWEEN q.first AND q.last
   ORDER BY q.place, s.split)`;
