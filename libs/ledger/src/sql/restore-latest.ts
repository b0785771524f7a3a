import { type Statement } from '@quipu/projection-engine';
import { type LedgerSchema } from '../schema.js';
import { bigints, smallints, uuids } from '../storage/columns.js';
import { type LoweredColumns } from '../storage/level-columns.js';
import { groupOfLevel } from '../storage/level-places.js';

/**
 * Looks up the latest change of quarter-hours whose latest one may just have been taken back. Only rows that stood
 * at that very instant look, from there backwards through their own quarter-hour. Runs after `changes` and
 * `level_buckets` were written. A `max_t` that is too late would make every answer inside that quarter-hour read single
 * changes where sums suffice; one that is too early would make it wrong.
 */
export function restoreLatest(schema: LedgerSchema, columns: LoweredColumns): Statement {
  const number = columns.place + 1;
  return {
    name: `level_sums_latest${number}`,
    text: `
      UPDATE ${schema}.level_buckets AS s
      SET max_t${number} = (
        SELECT c.t
        FROM ${schema}.changes c JOIN ${schema}.usage_keys k ON k.key_id = c.key_id
        WHERE c.level = x.level AND c.t >= x.bucket AND c.t <= x.retracted
          AND CASE g.grain
            WHEN 3 THEN true
            WHEN 2 THEN k.tenant = g.tenant
            WHEN 0 THEN c.key_id = x.key_id
            ELSE k.tenant = g.tenant
              AND k.user_id IS NOT DISTINCT FROM g.user_id AND k.queue IS NOT DISTINCT FROM g.queue
              AND k.template IS NOT DISTINCT FROM g.template AND k.provider IS NOT DISTINCT FROM g.provider
              AND k.hardware IS NOT DISTINCT FROM g.hardware AND k.image IS NOT DISTINCT FROM g.image
              AND k.services = g.services
          END
        ORDER BY c.t DESC LIMIT 1)
      FROM unnest($1::smallint[], $2::uuid[], $3::bigint[], $4::bigint[], $5::smallint[], $6::smallint[])
        AS x (level, key_id, bucket, retracted, level_group, bucket_kind)
      JOIN ${schema}.usage_keys g ON g.key_id = x.key_id
      WHERE s.level_group = x.level_group AND s.key_id = x.key_id AND s.bucket_kind = x.bucket_kind
        AND s.bucket = x.bucket AND s.max_t${number} <= x.retracted`,
    values: [
      smallints(columns.level),
      uuids(columns.key),
      bigints(columns.bucket),
      bigints(columns.retracted),
      smallints(columns.level.map((level) => groupOfLevel(level) + 1)),
      // As a constant it would let the planner begin with all quarter-hours of a table that it takes for empty.
      smallints(columns.level.map(() => 1)),
    ],
  };
}
