import { type Statement } from '@quipu/projection-engine';
import { type LedgerSchema } from '../schema.js';
import { type AmountDelta } from '../storage/amount-batch.js';
import { numerics, texts } from '../storage/columns.js';

/** Adds to amounts; a series that comes to zero is deleted, so that no row and a row of zero are the same thing. */
export function writeAmounts(schema: LedgerSchema, deltas: readonly AmountDelta[]): Statement {
  const large = new Map<number, bigint>();
  const values = deltas.map(({ sum }, place) => {
    if (typeof sum.value === 'number') return sum.value;
    large.set(place, sum.value);
    return 0;
  });
  return {
    name: 'amounts',
    text: `
      MERGE INTO ${schema}.amounts AS a
      USING unnest($1::text[], $2::text[], $3::text[], $4::numeric[]) AS x (family, tenant, labels, value)
      ON a.family = x.family AND a.tenant = x.tenant AND a.labels = x.labels
      WHEN MATCHED AND a.value + x.value = 0 THEN DELETE
      WHEN MATCHED THEN UPDATE SET value = a.value + x.value
      WHEN NOT MATCHED THEN INSERT (family, tenant, labels, value) VALUES (x.family, x.tenant, x.labels, x.value)`,
    values: [
      texts(deltas.map((delta) => delta.family)),
      texts(deltas.map((delta) => delta.tenant)),
      texts(deltas.map((delta) => delta.labels)),
      numerics(values, large),
    ],
  };
}
