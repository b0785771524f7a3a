import { randomUUID } from 'node:crypto';
import { BUCKET_KINDS, sumSteps } from '@quipu/metering';
import type { Pool } from 'pg';

/** A level change as a test writes it; dimensions that are left out are unknown. */
export interface TestChange {
  level: 1 | 2 | 3;
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
  for (const key of keys.values()) {
    await pool.query(
      `INSERT INTO ${schema}.usage_keys VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
      [key.id, key.grain, ...key.dims, key.services],
    );
    for (const level of [1, 2, 3] as const) {
      for (const kind of BUCKET_KINDS) {
        const steps = key.steps.filter((step) => step.level === level);
        for (const row of sumSteps(steps, kind)) {
          await pool.query(
            `INSERT INTO ${schema}.level_sums (level, key_id, bucket_kind, bucket, d, w, n, max_t)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
            [level, key.id, kind, row.bucket, row.d, row.w, row.n, row.maxT],
          );
        }
      }
    }
  }
  for (const row of rows.values()) {
    await pool.query(`INSERT INTO ${schema}.changes (level, t, key_id, d, n) VALUES ($1, $2, $3, $4, $5)`, [
      row.level,
      row.t,
      row.key,
      row.d,
      row.n,
    ]);
  }
}

/** Empties the tables that `writeLevels` fills. */
export async function clearLevels(pool: Pool, schema = 'ledger_1'): Promise<void> {
  await pool.query(`TRUNCATE ${schema}.usage_keys, ${schema}.changes, ${schema}.level_sums`);
}
