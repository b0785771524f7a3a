import { type LedgerSchema, levelSums } from '@quipu/ledger';
import { pgArray } from '@quipu/platform';
import type { PoolClient } from 'pg';
import { LEVELS } from '../usage/dimensions.js';
import { workerKeyId, type WorkerPlaceName } from './worker-keys.js';

/** When a job last began or ended on each of some workers: of each the latest quarter-hour, by the key of the table. */
export function lastBusyStatement(schema: LedgerSchema): string {
  return `SELECT k.key_id, s.max_t FROM unnest($1::uuid[]) k (key_id) CROSS JOIN LATERAL (
  SELECT b.max_t FROM ${levelSums(schema, LEVELS.busy)} b
   WHERE b.key_id = k.key_id AND b.bucket_kind = 1 ORDER BY b.bucket DESC LIMIT 1) s`;
}

/** When a job last began or ended on each of these workers, ms, by {@link workerKeyId}; those that never had one are not in it. */
export async function lastBusy(
  client: PoolClient,
  schema: LedgerSchema,
  workers: readonly WorkerPlaceName[],
): Promise<Map<string, number>> {
  if (workers.length === 0) return new Map();
  const { rows } = await client.query<{ key_id: string; max_t: string }>({
    name: `last-busy-${schema}`,
    text: lastBusyStatement(schema),
    values: [pgArray(workers.map(workerKeyId))],
  });
  return new Map(rows.map(({ key_id, max_t }) => [key_id, Number(max_t)]));
}
