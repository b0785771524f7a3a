import { type QueryConfig } from 'pg';
import { type LedgerSchema } from '../schema.js';
import { uuids } from '../storage/columns.js';
import { GROUPS } from '../storage/level-places.js';
import { type UsageKey } from '../storage/usage-keys.js';

/** A row of {@link readLatestQuarters}. */
export interface LatestQuarterRow {
  /** Place of the key among those asked for, from 1. */
  ord: string;
  /** Group of levels, from 1. */
  level_group: number;
  /** Start of the latest quarter-hour that has a row, ms. */
  bucket: string;
}

/** Reads the latest quarter-hour of each key and group of levels: one step from the end of its rows. None gives no row. */
export function readLatestQuarters(schema: LedgerSchema, keys: readonly UsageKey[]): QueryConfig {
  return {
    name: 'latest_quarters_read',
    text: `
      SELECT x.ord, g.level_group, s.bucket
      FROM unnest($1::uuid[]) WITH ORDINALITY AS x (key_id, ord)
      CROSS JOIN (VALUES ${Array.from({ length: GROUPS }, (_, i) => `(${i + 1}::smallint)`).join(', ')}) AS g (level_group)
      CROSS JOIN LATERAL (
        SELECT bucket FROM ${schema}.level_buckets
        WHERE level_group = g.level_group AND key_id = x.key_id AND bucket_kind = 1
        ORDER BY bucket DESC LIMIT 1
      ) s`,
    values: [uuids(keys)],
  };
}
