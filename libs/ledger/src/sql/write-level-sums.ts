import { type Statement } from '@quipu/projection-engine';
import { type LedgerSchema } from '../schema.js';
import { bigints, numerics, smallints, uuids } from '../storage/columns.js';
import { type SumDelta } from '../storage/level-batch.js';

/** Adds to level sums. The latest change only rises here; where it was taken back, the next statement looks it up. */
export function writeLevelSums(schema: LedgerSchema, deltas: readonly SumDelta[]): Statement {
  return {
    name: 'level_sums',
    text: `
      MERGE INTO ${schema}.level_sums AS s
      USING unnest($1::smallint[], $2::uuid[], $3::smallint[], $4::bigint[], $5::bigint[], $6::bigint[],
                   $7::bigint[], $8::numeric[]) AS x (level, key_id, bucket_kind, bucket, d, n, max_t, w)
      ON s.level = x.level AND s.key_id = x.key_id AND s.bucket_kind = x.bucket_kind AND s.bucket = x.bucket
      WHEN MATCHED AND s.n + x.n = 0 THEN DELETE
      WHEN MATCHED THEN
        UPDATE SET d = s.d + x.d, n = s.n + x.n, w = s.w + x.w, max_t = greatest(s.max_t, x.max_t)
      WHEN NOT MATCHED THEN INSERT (level, key_id, bucket_kind, bucket, d, n, max_t, w)
        VALUES (x.level, x.key_id, x.bucket_kind, x.bucket, x.d, x.n, x.max_t, x.w)`,
    values: [
      smallints(deltas.map((delta) => delta.level)),
      uuids(deltas.map((delta) => delta.key.id)),
      smallints(deltas.map((delta) => delta.kind)),
      bigints(deltas.map((delta) => delta.bucket)),
      bigints(deltas.map((delta) => delta.d)),
      bigints(deltas.map((delta) => delta.n)),
      bigints(deltas.map((delta) => (delta.added === -Infinity ? null : delta.added))),
      numerics(deltas.map((delta) => delta.w.value)),
    ],
  };
}
