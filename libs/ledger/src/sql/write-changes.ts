import { type Statement } from '@quipu/projection-engine';
import { type LedgerSchema } from '../schema.js';
import { bigints, smallints, uuids } from '../storage/columns.js';
import { type ChangeDelta } from '../storage/level-batch.js';

/** Adds to level changes; `n` counts the contributions behind a row, which goes when the last one is taken back. */
export function writeChanges(schema: LedgerSchema, deltas: readonly ChangeDelta[]): Statement {
  return {
    name: 'changes',
    text: `
      MERGE INTO ${schema}.changes AS c
      USING unnest($1::smallint[], $2::bigint[], $3::uuid[], $4::bigint[], $5::bigint[]) AS x (level, t, key_id, d, n)
      ON c.level = x.level AND c.t = x.t AND c.key_id = x.key_id
      WHEN MATCHED AND c.n + x.n = 0 THEN DELETE
      WHEN MATCHED THEN UPDATE SET d = c.d + x.d, n = c.n + x.n
      WHEN NOT MATCHED THEN INSERT (level, t, key_id, d, n) VALUES (x.level, x.t, x.key_id, x.d, x.n)`,
    values: [
      smallints(deltas.map((delta) => delta.level)),
      bigints(deltas.map((delta) => delta.t)),
      uuids(deltas.map((delta) => delta.key.id)),
      bigints(deltas.map((delta) => delta.d)),
      bigints(deltas.map((delta) => delta.n)),
    ],
  };
}
