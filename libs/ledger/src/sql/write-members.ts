import { type Statement } from '@quipu/projection-engine';
import { type LedgerSchema } from '../schema.js';
import { bigints, texts } from '../storage/columns.js';
import { type MemberDelta } from '../storage/member-batch.js';

/** Adds, scores anew and removes members; a removed one has no score. */
export function writeMembers(schema: LedgerSchema, deltas: readonly MemberDelta[]): Statement {
  return {
    name: 'members',
    text: `
      MERGE INTO ${schema}.members AS m
      USING unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[])
        AS x (family, tenant, labels, member, score)
      ON m.family = x.family AND m.tenant = x.tenant AND m.labels = x.labels AND m.member = x.member
      WHEN MATCHED AND x.score IS NULL THEN DELETE
      WHEN MATCHED THEN UPDATE SET score = x.score
      WHEN NOT MATCHED AND x.score IS NOT NULL THEN
        INSERT (family, tenant, labels, member, score) VALUES (x.family, x.tenant, x.labels, x.member, x.score)`,
    values: [
      texts(deltas.map((delta) => delta.family)),
      texts(deltas.map((delta) => delta.tenant)),
      texts(deltas.map((delta) => delta.labels)),
      texts(deltas.map((delta) => delta.member)),
      bigints(deltas.map((delta) => delta.after ?? NaN)),
    ],
  };
}
