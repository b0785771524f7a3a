import { type EntityKey, type EntityKindName, KIND_CODES } from '@quipu/ledger';

const KIND_NAMES = new Map<number, EntityKindName>(
  Object.entries(KIND_CODES).map(([name, code]) => [code, name as EntityKindName]),
);

/** The key of a row of `entities`. */
export function keyOf(row: { tenant: string; kind: number; id: string }): EntityKey {
  const kind = KIND_NAMES.get(row.kind);
  if (kind === undefined) throw new RangeError(`not a kind of entity: ${row.kind}`);
  return { tenant: row.tenant, kind, id: row.id };
}
