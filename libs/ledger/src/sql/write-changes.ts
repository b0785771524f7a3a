import { type Statement } from '@quipu/projection-engine';
import { type LedgerSchema } from '../schema.js';
import { bigints, smallints, uuids } from '../storage/columns.js';
import { type ChangeColumns } from '../storage/level-batch.js';

/** Adds to level changes; `n` counts the contributions behind a row, which goes when the last one is taken back. */
export function writeChanges(schema: LedgerSchema, columns: ChangeColumns): Statement {
  return {
    name: 'changes',
    text: `
      MERGE INTO ${schema}.changes AS c
      USING (
        SELECT unnest($1::smallint[]) AS level, unnest($2::bigint[]) AS t, unnest($3::uuid[]) AS key_id,
               unnest($4::bigint[]) AS d, unnest($5::bigint[]) AS n
      ) AS x
      ON c.level = x.level AND c.t = x.t AND c.key_id = x.key_id
      WHEN MATCHED AND c.n + x.n = 0 THEN DELETE
      WHEN MATCHED THEN UPDATE SET d = c.d + x.d, n = c.n + x.n
      WHEN NOT MATCHED THEN INSERT (level, t, key_id, d, n) VALUES (x.level, x.t, x.key_id, x.d, x.n)`,
    values: [
      smallints(columns.level),
      bigints(columns.t),
      uuids(columns.key),
      bigints(columns.d),
      bigints(columns.n),
    ],
  };
}
