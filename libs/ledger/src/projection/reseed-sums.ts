import { runStatement } from '@quipu/projection-engine';
import { type ClientBase } from 'pg';
import { type EntityKey, type EntityKindName, KIND_CODES, noContributions } from '../entities/index.js';
import { type LedgerSchema } from '../schema.js';
import { ContributionBatch } from '../storage/batch-writes.js';
import { LevelBatch } from '../storage/level-batch.js';
import { UsageKeyCache } from '../storage/usage-keys.js';
import { kindOf } from './fold.js';

const CHUNK = 2_000;
const KIND_NAMES = new Map<number, EntityKindName>(
  Object.entries(KIND_CODES).map(([name, code]) => [code, name as EntityKindName]),
);

/**
 * Deletes all sums and makes them again from the stored states. Usage keys stay: a runner may know that they are
 * there, and one that nothing uses is harmless.
 */
export async function reseedSums(
  tx: ClientBase,
  schema: LedgerSchema,
  progress: (entities: number) => void,
): Promise<void> {
  for (const table of ['amounts', 'members', 'changes', 'level_buckets'])
    await tx.query(`DELETE FROM ${schema}.${table}`);
  const keys = new UsageKeyCache();
  const levels = new LevelBatch(keys);
  let entities = 0;
  await tx.query(
    `DECLARE states NO SCROLL CURSOR FOR SELECT tenant, kind, id, state::text AS state FROM ${schema}.entities`,
  );
  for (;;) {
    const { rows } = await tx.query<{ tenant: string; kind: number; id: string; state: string }>(
      `FETCH ${CHUNK} FROM states`,
    );
    keys.trim();
    const sums = new ContributionBatch(levels);
    for (const { tenant, kind, id, state } of rows) {
      const key: EntityKey = { tenant, kind: KIND_NAMES.get(kind)!, id };
      sums.replace(noContributions(), kindOf(key).contributions(key, JSON.parse(state)));
    }
    // The tables are empty but for what this transaction has written.
    for (const key of sums.net()) key.latest.fill(-Infinity);
    const { statements, newKeys } = sums.finish(schema);
    for (const statement of statements) await runStatement(tx, statement);
    for (const key of newKeys) key.stored = true;
    entities += rows.length;
    progress(entities);
    if (rows.length < CHUNK) break;
  }
  await tx.query('CLOSE states');
}
