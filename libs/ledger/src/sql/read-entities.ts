import { type QueryConfig } from 'pg';
import { type LedgerSchema } from '../schema.js';
import { smallints, texts } from '../storage/columns.js';

/** A row of {@link readEntities}. */
export interface StoredEntityRow {
  /** Place of the key among those asked for, from 1. */
  ord: string;
  /** JSON text of the state. */
  state: string;
}

/** Reads the states of the named entities by primary key; absent ones give no row. */
export function readEntities(
  schema: LedgerSchema,
  keys: readonly { tenant: string; kind: number; id: string }[],
): QueryConfig {
  return {
    name: 'entities_read',
    text: `
      SELECT x.ord, e.state
      FROM unnest($1::text[], $2::smallint[], $3::text[]) WITH ORDINALITY AS x (tenant, kind, id, ord)
      CROSS JOIN LATERAL (
        SELECT state::text AS state FROM ${schema}.entities
        WHERE tenant = x.tenant AND kind = x.kind AND id = x.id LIMIT 1) e`,
    values: [
      texts(keys.map((key) => key.tenant)),
      smallints(keys.map((key) => key.kind)),
      texts(keys.map((key) => key.id)),
    ],
  };
}
