import { LEDGER_1 } from '@quipu/ledger';
import { createPool } from '@quipu/platform';
import type { Pool } from 'pg';
import { insertLevelRows, testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import { READER_SESSION } from '../reader-session.js';
import { usageStatement, type UsageRead } from './usage-statement.js';

const QUARTER = 900_000;
const START = Date.UTC(2024, 0, 1);
const NOW = START + 40 * 96 * QUARTER;

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  Plans?: PlanNode[];
}

/** Every node of a plan, depth first. */
function nodes(plan: PlanNode): PlanNode[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodes)];
}

describe('usageStatement on tables that were just filled and never analysed', () => {
  let database: TestDatabase;
  let pool: Pool;

  beforeAll(async () => {
    database = await testDatabase();
    pool = createPool(database.url, { session: READER_SESSION });
    for (const table of ['usage_keys', 'changes', 'level_buckets']) {
      await database.pool.query(`ALTER TABLE ledger_1.${table} SET (autovacuum_enabled = off)`);
    }
    // 20,000 jobs, a cluster each, of 50 tenants over 40 days: +1 and −1 in one quarter-hour.
    await database.pool.query(
      `CREATE TABLE jobs AS SELECT md5(i::text)::uuid AS key_id, 't' || i % 50 AS tenant, 'c' || i AS cluster,
              $1::bigint + (i * 7 % (40 * 96)) * $2::bigint AS bucket FROM generate_series(1, 20000) i`,
      [START, QUARTER],
    );
    await database.pool.query(
      `CREATE TABLE owners AS SELECT md5('owner' || tenant)::uuid AS key_id, tenant FROM jobs GROUP BY tenant`,
    );
    const none = `NULL, NULL, NULL, NULL, '{}'::text[]`;
    await database.pool.query(
      `INSERT INTO ledger_1.usage_keys
       SELECT key_id, 0, tenant, 'u', 'q', cluster, ${none} FROM jobs
       UNION ALL SELECT md5('1' || tenant)::uuid, 1, tenant, 'u', 'q', NULL, ${none} FROM owners
       UNION ALL SELECT key_id, 2, tenant, NULL, NULL, NULL, ${none} FROM owners
       UNION ALL SELECT md5('platform')::uuid, 3, NULL, NULL, NULL, NULL, ${none}`,
    );
    await database.pool.query(
      `INSERT INTO ledger_1.changes SELECT 1, bucket + e, key_id, 1 - e / 500, 1 FROM jobs, (VALUES (1), (1001)) v (e)`,
    );
    const owned = `SELECT key_id, bucket FROM jobs UNION ALL SELECT md5('1' || tenant)::uuid, bucket FROM jobs
       UNION ALL SELECT o.key_id, j.bucket FROM jobs j JOIN owners o USING (tenant)
       UNION ALL SELECT md5('platform')::uuid, bucket FROM jobs`;
    const month = `(extract(epoch FROM date_trunc('month', to_timestamp(bucket / 1000) AT TIME ZONE 'UTC')) * 1000)::bigint`;
    for (const [kind, start] of [
      [1, 'bucket'],
      [2, 'bucket - bucket % 86400000'],
      [3, month],
    ] as const) {
      await database.pool.query(
        insertLevelRows(
          'ledger_1',
          `(SELECT 1 AS level, ${kind} AS bucket_kind, key_id, ${start} AS bucket, 0 AS d, 2 * count(*) AS n,
             ${kind === 1 ? 'max(bucket) + 1001' : 'NULL::bigint'} AS max_t, -1000 * count(*) AS w
             FROM (${owned}) o GROUP BY key_id, ${start})`,
        ),
      );
    }
  }, 60_000);
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  /** Runs the statement as the API does (a generic plan) and returns what its plan touched. */
  async function explain(read: Partial<UsageRead>): Promise<PlanNode[]> {
    const statement = usageStatement(LEDGER_1, {
      level: 'nodes',
      filters: {},
      groupBy: [],
      points: [],
      rows: null,
      earliestOf: null,
      ...read,
    });
    const { rows } = await pool.query({
      text: `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ${statement.text}`,
      values: statement.values,
    });
    return nodes(rows[0]['QUERY PLAN'][0].Plan);
  }

  /** Rows read from tables of the ledger, those a filter threw away included. */
  function rowsRead(plan: readonly PlanNode[]): number {
    return plan
      .filter((node) => ['usage_keys', 'changes', 'level_buckets'].includes(node['Relation Name'] ?? ''))
      .reduce(
        (sum, node) =>
          sum + (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'],
        0,
      );
  }

  function scans(plan: readonly PlanNode[]): string[] {
    // `projections` is a handful of rows on one page, however long the log: reading that page is the best plan.
    return plan
      .filter((node) => node['Node Type'] === 'Seq Scan' && node['Relation Name'] !== 'projections')
      .map((node) => node['Relation Name'] ?? '');
  }

  const inside = START + 20 * 96 * QUARTER + 500;
  it.each<[string, Partial<UsageRead>, number]>([
    ['the platform up to now', { points: [NOW], earliestOf: {} }, 10],
    ['a tenant up to now', { points: [NOW], filters: { tenant: 't7' }, earliestOf: { tenant: 't7' } }, 60],
    ['a user up to now', { points: [NOW], filters: { tenant: 't7', user: 'u' } }, 20],
    ['one cluster up to now', { points: [NOW], filters: { cluster: 'c777' } }, 20],
    ['the platform from an instant inside a quarter-hour on', { points: [inside, NOW] }, 250],
    [
      'a tenant from an instant inside a quarter-hour on',
      { points: [inside, NOW], filters: { tenant: 't7' } },
      250,
    ],
    [
      'the platform by hour over a week',
      { points: [NOW], rows: { kind: 1, from: START, to: START + 7 * 96 * QUARTER, hourly: true } },
      7 * 96 + 10,
    ],
    ['every tenant up to now', { points: [NOW], groupBy: ['tenant'] }, 400],
  ])('%s reads by index, and no more rows than buckets', async (_, read, most) => {
    const plan = await explain(read);
    expect(scans(plan)).toEqual([]);
    expect(rowsRead(plan)).toBeLessThanOrEqual(most);
  });

  it('prepares the shapes that repeat under one name each, and no others', () => {
    const base: UsageRead = {
      level: 'nodes',
      filters: {},
      groupBy: [],
      points: [1],
      rows: null,
      earliestOf: null,
    };
    const name = (read: Partial<UsageRead>) => usageStatement(LEDGER_1, { ...base, ...read }).name;
    expect(name({ filters: { tenant: 'a' } })).toBe(name({ filters: { tenant: 'b' }, points: [2] }));
    expect(name({ filters: { tenant: 'a' } })).not.toBe(name({}));
    expect(name({ filters: { tenant: 'a', user: 'b', queue: 'c' } })).toBeUndefined();
    expect(name({ groupBy: ['cluster'] })).toBeUndefined();
  });
});
