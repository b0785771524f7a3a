import { randomUUID } from 'node:crypto';
import { BUCKET_KINDS, sumSteps } from '@quipu/metering';
import type { Pool } from 'pg';
import { insertLevelRows } from '../../../test/support/index.js';

const LEVELS = [1, 2, 3, 4, 5, 6, 7, 8] as const;

/** A level change as a test writes it; dimensions that are left out are unknown. */
export interface TestChange {
  level: (typeof LEVELS)[number];
  tenant: string;
  user?: string;
  queue?: string;
  cluster?: string;
  template?: string;
  provider?: string;
  hardware?: string;
  image?: string;
  services?: string[];
  t: number;
  d: number;
}

const DIMS = ['tenant', 'user', 'queue', 'cluster', 'template', 'provider', 'hardware', 'image'] as const;
type Key = (string | null)[];

function keyAt(grain: number, change: TestChange): { dims: Key; services: string[] } {
  const dims = DIMS.map((dim) => {
    if (grain === 3 || (grain === 2 && dim !== 'tenant') || (grain === 1 && dim === 'cluster')) return null;
    return change[dim] ?? null;
  });
  return { dims, services: grain < 2 ? [...(change.services ?? [])].sort() : [] };
}

/**
 * Writes changes and their sums into empty ledger tables the plain way, one bucket at a time and without
 * any of the projection's code, so that a query under test is compared with the page that defines it.
 */
export async function writeLevels(
  pool: Pool,
  changes: readonly TestChange[],
  schema = 'ledger_1',
): Promise<void> {
  const keys = new Map<
    string,
    { id: string; grain: number; dims: Key; services: string[]; steps: TestChange[] }
  >();
  const rows = new Map<string, { level: number; t: number; key: string; d: number; n: number }>();
  for (const change of changes) {
    for (const grain of [0, 1, 2, 3]) {
      const { dims, services } = keyAt(grain, change);
      const name = JSON.stringify([grain, dims, services]);
      let key = keys.get(name);
      if (!key) keys.set(name, (key = { id: randomUUID(), grain, dims, services, steps: [] }));
      key.steps.push(change);
      if (grain === 0) {
        const id = `${change.level}/${change.t}/${key.id}`;
        const row = rows.get(id) ?? { level: change.level, t: change.t, key: key.id, d: 0, n: 0 };
        rows.set(id, { ...row, d: row.d + change.d, n: row.n + 1 });
      }
    }
  }
  const sums = [...keys.values()].flatMap((key) =>
    LEVELS.flatMap((level) =>
      BUCKET_KINDS.flatMap((kind) =>
        sumSteps(
          key.steps.filter((step) => step.level === level),
          kind,
        ).map((row) => ({
          level,
          key_id: key.id,
          bucket_kind: kind,
          bucket: row.bucket,
          d: String(row.d),
          w: String(row.w),
          n: String(row.n),
          max_t: row.maxT,
        })),
      ),
    ),
  );
  const keyRows = [...keys.values()].map(({ id, grain, dims, services }) => ({
    key_id: id,
    grain,
    services,
    ...Object.fromEntries(DIMS.map((dim, i) => [dim === 'user' ? 'user_id' : dim, dims[i] ?? null])),
  }));
  const insert = (table: string, list: readonly object[]) =>
    pool.query(
      `INSERT INTO ${schema}.${table} SELECT * FROM json_populate_recordset(NULL::${schema}.${table}, $1)`,
      [JSON.stringify(list)],
    );
  await insert('usage_keys', keyRows);
  await pool.query(insertLevelRows(schema, `json_populate_recordset(NULL::${schema}.level_sums, $1)`), [
    JSON.stringify(sums),
  ]);
  await insert(
    'changes',
    [...rows.values()].map(({ key, ...row }) => ({ ...row, key_id: key })),
  );
}

/** Empties the tables that `writeLevels` fills. */
export async function clearLevels(pool: Pool, schema = 'ledger_1'): Promise<void> {
  // TRUNCATE would write files and wait for the disk every time; these tables hold a handful of rows.
  for (const table of ['usage_keys', 'changes', 'level_buckets'])
    await pool.query(`DELETE FROM ${schema}.${table}`);
}
