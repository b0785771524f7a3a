import { type LedgerSchema, levelSums } from '@quipu/ledger';
import type { Parameters } from '../statement.js';
import { coveringGrain, keyCondition, keyOfChange, type UsageFilters } from './dimensions.js';

/**
 * The earliest change of a level as a scalar expression. Inside a tenant the first quarter-hour is known
 * from its sums; its changes are then read in order until one is the tenant's.
 */
export function earliestExpression(
  schema: LedgerSchema,
  level: number,
  of: Pick<UsageFilters, 'tenant' | 'user'>,
  params: Parameters,
): string {
  if (of.tenant === undefined && of.user === undefined) {
    return `(SELECT min(c.t) FROM ${schema}.changes c WHERE c.level = ${level})`;
  }
  const first = `(SELECT min(x.bucket) FROM ${schema}.usage_keys k CROSS JOIN LATERAL (
      SELECT s.bucket FROM ${levelSums(schema, level)} s
       WHERE s.key_id = k.key_id AND s.bucket_kind = 1 ORDER BY s.bucket LIMIT 1) x
     WHERE ${keyCondition('k', coveringGrain(of, []), of, params)})`;
  return `(SELECT c.t FROM ${schema}.changes c
     WHERE c.level = ${level} AND c.t >= ${first}
       AND EXISTS (SELECT FROM ${keyOfChange(schema)} k WHERE ${keyCondition('k', 0, of, params)})
     ORDER BY c.t LIMIT 1)`;
}
