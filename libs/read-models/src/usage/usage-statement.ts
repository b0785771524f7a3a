import { createHash } from 'node:crypto';
import { type LedgerSchema, levelSums } from '@quipu/ledger';
import { HOUR_MS, bucketEnd, bucketStart, type BucketKind } from '@quipu/metering';
import { pgArray } from '@quipu/platform';
import { CHECKPOINT_CTE } from '../live-ledger.js';
import { Parameters, type Statement } from '../statement.js';
import {
  LEVELS,
  columnOf,
  coveringGrain,
  keyCondition,
  keyOfChange,
  type Dimension,
  type Grain,
  type LevelName,
  type UsageFilters,
} from './dimensions.js';
import { earliestExpression } from './earliest-expression.js';

/** What a usage statement reads. */
export interface UsageRead {
  level: LevelName;
  filters: UsageFilters;
  /** Only these keys of whole tuples (`usage_keys.key_id`): a list that the caller can work out costs no search. */
  keys?: readonly string[];
  groupBy: readonly Dimension[];
  /** Instants (ms): for each, Σ d and Σ d·t over the changes at or before it. */
  points: readonly number[];
  /**
   * Whole rows of one bucket kind, `[from, to)`, for the boundaries between the points; `hourly` sums
   * quarter-hours into hours where they are read, so that a quarter as many rows travel.
   */
  rows: { kind: BucketKind; from: number; to: number; hourly?: boolean } | null;
  /** Also read the earliest change inside these filters. */
  earliestOf: Pick<UsageFilters, 'tenant' | 'user'> | null;
}

/** One row of the answer: `part` `p` is a point (at = its index), `r` a bucket (at = its start). */
export interface UsageRow {
  earliest: string | null;
  present: boolean;
  part: 'p' | 'r' | null;
  at: string | null;
  d: string | null;
  s: string | null;
  [group: `g${number}`]: string | null;
}

/** The parts of a statement that its pieces share. */
interface Plan {
  read: UsageRead;
  schema: LedgerSchema;
  level: number;
  grain: Grain;
  /** Every cluster is asked for: most of the table is read, and the planner may choose how. */
  wide: boolean;
  params: Parameters;
}

/** Later than any change: the next change after an instant when there is none. */
const NEVER = '9223372036854775807';

/**
 * Builds the one statement behind every usage answer.
 *
 * Σ d and Σ d·t up to an instant are read from month rows, then day rows of its month, then quarter-hour
 * rows of its day. When no change of the level follows the instant inside its month (day, quarter), that
 * whole row already stands at the instant and the finer rows are not needed: "up to now" is one row per
 * month and key. Only an instant inside a quarter-hour with later changes reads changes, of that one
 * quarter-hour. Sums per key come from LATERAL aggregates, which the planner cannot turn into a scan of the
 * table however wrong its statistics are on a table that was just filled.
 */
export function usageStatement(schema: LedgerSchema, read: UsageRead): Statement {
  const grain = read.keys === undefined ? coveringGrain(read.filters, read.groupBy) : 0;
  const params = new Parameters();
  const plan: Plan = {
    read,
    schema,
    level: LEVELS[read.level],
    grain,
    wide: grain === 0 && read.filters.cluster === undefined && read.keys === undefined,
    params,
  };
  const groups = groupNames(read);
  const ctes = [
    CHECKPOINT_CTE,
    `keys AS MATERIALIZED (
  SELECT k.key_id${groupColumns(read, 'k')} FROM ${schema}.usage_keys k
   WHERE ${condition(plan, grain)})`,
  ];
  const sources: string[] = [];
  if (read.points.length > 0) {
    ctes.push(pointsCte(plan));
    sources.push(pointSums(plan), pointChanges(plan));
  }
  if (read.rows !== null) sources.push(bucketRows(plan, read.rows));
  if (sources.length > 0) {
    ctes.push(`summed AS (
  SELECT part, at${groups}, sum(d) AS d, sum(s) AS s
    FROM (${sources.join('\n UNION ALL ')}) AS v (part, at${groups}, d, s)
   GROUP BY part, at${groups} ORDER BY part, at)`);
  }
  const earliest = read.earliestOf
    ? earliestExpression(schema, plan.level, read.earliestOf, params)
    : 'NULL::bigint';
  const text = `WITH ${ctes.join(',\n')}
SELECT c.position, c.schema_name, h.earliest, h.present,
       ${sources.length > 0 ? `v.part, v.at, v.d, v.s${groups}` : 'NULL AS part, NULL AS at, NULL AS d, NULL AS s'}
  FROM (SELECT ${earliest} AS earliest, EXISTS (
          SELECT FROM keys k CROSS JOIN LATERAL (
            SELECT 1 FROM ${levelSums(schema, plan.level)} s
             WHERE s.key_id = k.key_id AND s.bucket_kind = 3 LIMIT 1) x
        ) AS present) h
  LEFT JOIN checkpoint c ON true${sources.length > 0 ? ' LEFT JOIN summed v ON true' : ''}`;
  return named(text, plan);
}

/** What the keys asked for fulfil, on the alias `k`. */
function condition({ read: { filters, keys }, params }: Plan, grain: Grain): string {
  const wanted = keyCondition('k', grain, filters, params);
  return keys === undefined ? wanted : `${wanted} AND k.key_id = ANY(${params.add(pgArray(keys))}::uuid[])`;
}

/** `, g0, g1`: the output names of the dimensions grouped by. */
function groupNames(read: UsageRead): string {
  return read.groupBy.map((_, i) => `, g${i}`).join('');
}

/** The dimensions grouped by, as columns of `alias` of usage_keys. */
function groupColumns(read: UsageRead, alias: string): string {
  return read.groupBy.map((dimension, i) => `, ${alias}.${columnOf(dimension)} AS g${i}`).join('');
}

/** The rows of one bucket kind, between two expressions, of one key. */
function range(kind: BucketKind, from: string | null, to: string): string {
  return `s.bucket_kind = ${kind}${from === null ? '' : ` AND s.bucket >= ${from}`} AND s.bucket < ${to}`;
}

/** For each instant: months before `months`, then days before `days`, then quarter-hours before `quarters`. */
function pointsCte({ read, schema, level, wide, params }: Plan): string {
  // A wide plan must know how few instants there are; as a parameter the array counts as a hundred.
  const columns = pointColumns(read.points).map(
    (column) => `${wide ? `'${column}'` : params.add(column)}::bigint[]`,
  );
  // Another tenant's later change must not make this question read changes: ask its own keys.
  const late = `EXISTS (
      SELECT FROM keys k CROSS JOIN LATERAL (
        SELECT 1 FROM ${levelSums(schema, level)} s WHERE s.key_id = k.key_id
           AND s.bucket_kind = 1 AND s.bucket = p.quarter AND s.max_t > p.t OFFSET 0) x)`;
  return `wanted AS MATERIALIZED (
  SELECT p.i, p.t, r.months, r.days,
         CASE WHEN r.quarters > p.t${wide ? '' : ` OR NOT ${late}`}
              THEN greatest(r.quarters, p.quarter_end) ELSE r.quarters END AS quarters
    FROM unnest(${columns.join(', ')}) AS p (i, t, month, month_end, day, day_end, quarter, quarter_end)
   CROSS JOIN LATERAL (
     SELECT coalesce(min(c.t), ${NEVER}) AS next FROM ${schema}.changes c WHERE c.level = ${level} AND c.t > p.t) n
   CROSS JOIN LATERAL (
     SELECT CASE WHEN n.next >= p.month_end THEN p.month_end ELSE p.month END AS months,
            CASE WHEN n.next >= p.month_end THEN p.month_end
                 WHEN n.next >= p.day_end THEN p.day_end ELSE p.day END AS days,
            CASE WHEN n.next >= p.month_end THEN p.month_end WHEN n.next >= p.day_end THEN p.day_end
                 WHEN n.next >= p.quarter_end THEN p.quarter_end ELSE p.quarter END AS quarters) r)`;
}

/** The sums of whole buckets up to each instant. */
function pointSums({ schema, level, read, wide }: Plan): string {
  const groups = read.groupBy.map((_, i) => `, k.g${i}`).join('');
  const ranges = [
    range(3, null, 'w.months'),
    // The one-time condition spares every key the descent into an empty range.
    `w.months < w.days AND ${range(2, 'w.months', 'w.days')}`,
    `w.days < w.quarters AND ${range(1, 'w.days', 'w.quarters')}`,
  ];
  if (wide) {
    return ranges
      .map(
        (one) => `SELECT 'p', w.i${groups}, s.d::numeric, s.w + s.d::numeric * s.bucket
     FROM wanted w CROSS JOIN keys k JOIN ${levelSums(schema, level)} s ON s.key_id = k.key_id
    WHERE ${one}`,
      )
      .join('\n UNION ALL ');
  }
  const parts = ranges.map(
    (one) =>
      `SELECT s.d, s.w, s.bucket FROM ${levelSums(schema, level)} s WHERE s.key_id = k.key_id AND ${one}`,
  );
  return `SELECT 'p', w.i${groups}, x.d, x.s FROM wanted w CROSS JOIN keys k CROSS JOIN LATERAL (
     SELECT sum(u.d) AS d, sum(u.w + u.d::numeric * u.bucket) AS s FROM (
       ${parts.join('\n       UNION ALL ')}) u) x`;
}

/** The changes between the last whole quarter-hour and each instant; none unless the instant lies inside one. */
function pointChanges(plan: Plan): string {
  const { schema, level, grain, read } = plan;
  const groups = read.groupBy.map((_, i) => `, k.g${i}`).join('');
  // Every change is the platform's: no key needs looking up.
  const whose = (): string => `CROSS JOIN LATERAL (
     SELECT 1${groupColumns(read, 'k')} FROM ${keyOfChange(schema)} k
      WHERE ${condition(plan, 0)}) k`;
  return `SELECT 'p', w.i${groups}, c.d::numeric, c.d::numeric * c.t FROM wanted w CROSS JOIN LATERAL (
     SELECT c.key_id, c.t, c.d FROM ${schema}.changes c
      WHERE w.quarters <= w.t AND c.level = ${level} AND c.t >= w.quarters AND c.t <= w.t OFFSET 0) c
   ${grain === 3 ? '' : whose()}`;
}

/** The rows between two aligned boundaries, for a running sum. */
function bucketRows(plan: Plan, rows: NonNullable<UsageRead['rows']>): string {
  const { schema, level, read, wide, params } = plan;
  const groups = read.groupBy.map((_, i) => `, k.g${i}`).join('');
  const one = range(rows.kind, `${params.add(rows.from)}::bigint`, `${params.add(rows.to)}::bigint`);
  const source = `${levelSums(schema, level)} s`;
  const which = `s.key_id = k.key_id AND ${one}`;
  const at = (row: string): string =>
    rows.hourly ? `floor(${row}.bucket / ${HOUR_MS}::numeric)::bigint * ${HOUR_MS}` : `${row}.bucket`;
  return wide
    ? `SELECT 'r', ${at('s')}${groups}, s.d::numeric, s.w + s.d::numeric * s.bucket FROM keys k JOIN ${source} ON ${which}`
    : `SELECT 'r', ${at('x')}${groups}, x.d::numeric, x.w + x.d::numeric * x.bucket
     FROM keys k CROSS JOIN LATERAL (SELECT s.bucket, s.d, s.w FROM ${source} WHERE ${which} OFFSET 0) x`;
}

/** The points as columns for unnest: index, instant, and start and end of its month, day and quarter-hour. */
function pointColumns(points: readonly number[]): string[] {
  const columns: number[][] = [points.map((_, i) => i), [...points]];
  for (const kind of [3, 2, 1] as const) {
    const starts = points.map((t) => bucketStart(kind, t));
    columns.push(
      starts,
      starts.map((start) => bucketEnd(kind, start)),
    );
  }
  return columns.map((column) => pgArray(column));
}

/** Prepares the shapes that repeat; rare combinations are planned each time and cost no connection memory. */
function named(text: string, { read, wide, params: { values } }: Plan): Statement {
  const filters = Object.values(read.filters).filter((value) => value !== undefined).length;
  if (wide || filters > 2 || read.groupBy.length > 1) return { text, values };
  return { text, values, name: `usage-${createHash('sha1').update(text).digest('base64url')}` };
}
