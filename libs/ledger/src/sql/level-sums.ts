import { type LedgerSchema } from '../schema.js';
import { GROUPS, groupOfLevel, levelAt, PLACES, placeOfLevel } from '../storage/level-places.js';

/**
 * The sums of one level, by its code, as SQL of a sub-select with the columns `key_id`, `bucket_kind`, `bucket` (ms),
 * `d`, `n`, `max_t` (ms, of quarter-hours) and `w`. The planner takes it for the table itself.
 */
export function levelSums(schema: LedgerSchema, level: number): string {
  const place = placeOfLevel(level) + 1;
  return `(SELECT key_id, bucket_kind, bucket, d${place} AS d, n${place} AS n, max_t${place} AS max_t, w${place} AS w
    FROM ${schema}.level_buckets WHERE level_group = ${groupOfLevel(level) + 1} AND n${place} > 0)`;
}

/** Statements that make `level_buckets`, and the view `level_sums` that shows a row per level. */
export function levelBucketTables(schema: LedgerSchema): string[] {
  const places = Array.from({ length: PLACES }, (_, place) => place + 1);
  const columns = places.map(
    (place) => `
      d${place} bigint NOT NULL,
      n${place} bigint NOT NULL,
      max_t${place} bigint,
      w${place} numeric(38,0) NOT NULL,`,
  );
  const rows = Array.from({ length: GROUPS }, (_, group) =>
    places.map(
      (place) => `
      SELECT ${levelAt(group, place - 1)}::smallint AS level, bucket_kind, key_id, bucket,
             d${place} AS d, n${place} AS n, max_t${place} AS max_t, w${place} AS w
      FROM ${schema}.level_buckets WHERE level_group = ${group + 1} AND n${place} > 0`,
    ),
  );
  return [
    `CREATE TABLE ${schema}.level_buckets (
      level_group smallint NOT NULL CHECK (level_group BETWEEN 1 AND ${GROUPS}),
      bucket_kind smallint NOT NULL CHECK (bucket_kind BETWEEN 1 AND 3),
      key_id uuid NOT NULL,
      bucket bigint NOT NULL,${columns.join('')}
      CHECK (${places.map((place) => `n${place} >= 0`).join(' AND ')}),
      CHECK (${places.map((place) => `n${place}`).join(' + ')} > 0),
      CHECK (${places.map((place) => `(max_t${place} IS NOT NULL) = (bucket_kind = 1 AND n${place} > 0)`).join(' AND ')}),
      PRIMARY KEY (level_group, key_id, bucket_kind, bucket)
    ) WITH (fillfactor = 80)`,
    `CREATE VIEW ${schema}.level_sums AS ${rows.flat().join(' UNION ALL ')}`,
  ];
}
