import { LEDGER_1, LEVEL_CODES, NEVER_RETIRED } from '@quipu/ledger';
import { createPool } from '@quipu/platform';
import type { Pool } from 'pg';
import { testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import { lastBusyStatement } from '../fleet/last-busy.js';
import { workersStatement } from '../fleet/read-workers.js';
import { READER_SESSION } from '../reader-session.js';
import type { Statement } from '../statement.js';
import { levelFlowStatement, MAX_CHANGES } from './level-flow.js';
import {
  MAX_EVENTS,
  recentFactsStatement,
  recentSpanStatement,
  touchedJobsStatement,
} from './recent-facts.js';

const NOW = Date.UTC(2026, 2, 2, 12);
const EVENTS = 60_000;
/** Events recorded within the last 20 minutes. */
const RECENT = 20_000;

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

describe('what queues and workers are told from, on tables that were just filled and never analysed', () => {
  let database: TestDatabase;
  let pool: Pool;

  beforeAll(async () => {
    database = await testDatabase();
    pool = createPool(database.url, { session: READER_SESSION });
    for (const table of ['usage_keys', 'changes', 'level_buckets', 'entities']) {
      await database.pool.query(`ALTER TABLE ledger_1.${table} SET (autovacuum_enabled = off)`);
    }
    await database.pool.query(
      `INSERT INTO ledger_1.usage_keys
       SELECT md5(i::text)::uuid, 0, 't' || i % 7, 'u', 'q' || i % 5, NULL, NULL, NULL, NULL, NULL, '{}'
         FROM generate_series(0, 99) i`,
    );
    // More jobs began to wait within the last minutes than are read, and many long before.
    for (const [count, every] of [
      [MAX_CHANGES + 20_000, 5],
      [50_000, 60_000],
    ] as const) {
      await database.pool.query(
        `INSERT INTO ledger_1.changes SELECT $1, $2::bigint - i * $3::bigint - $3::bigint % 7, md5((i % 100)::text)::uuid, 1, 1
           FROM generate_series(1, $4::int) i ON CONFLICT DO NOTHING`,
        [LEVEL_CODES.waiting, NOW, every, count],
      );
    }
    for (const part of [0, 1]) {
      const [from, to] = [part, part + 1].map((i) => (i * EVENTS) / 2 + 1);
      await database.pool.query(
        `CREATE TABLE log_${part} PARTITION OF log FOR VALUES FROM (${from}) TO (${to})`,
      );
      await database.pool.query(`ALTER TABLE log_${part} SET (autovacuum_enabled = off)`);
    }
    await database.pool.query(
      `INSERT INTO log (position, recorded_ms, time_ms, tenant, source, event_id, type, subject, dataversion, data)
       SELECT i, $1::bigint - CASE WHEN i > $2 - $3 THEN 1 ELSE 7200000 END, $1::bigint - 60000, 't' || i % 7, 's', i::text,
              'job.started', 'job/q/' || i / 2, 1, '{"attempt":1}' FROM generate_series(1, $2::int) i`,
      [NOW, EVENTS, RECENT],
    );
    await database.pool.query(
      `INSERT INTO ledger_1.entities SELECT 't' || i % 7, 1, 'job/q/' || i / 2, '{}', i
         FROM generate_series(1, $1::int) i ON CONFLICT DO NOTHING`,
      [EVENTS],
    );
    await database.pool.query(
      `INSERT INTO ledger_1.entities SELECT 't' || i % 7, 3, 'worker/' || i,
              CASE WHEN i < 70 THEN '{"registered":1}' ELSE '{"registered":1,"retired":' || i / 7 - 9 || '}' END::json, i
         FROM generate_series(0, 7069) i`,
    );
  }, 60_000);
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  async function explain({ text, values }: Pick<Statement, 'text' | 'values'>): Promise<PlanNode[]> {
    const { rows } = await pool.query({
      text: `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ${text}`,
      values,
    });
    return nodes(rows[0]['QUERY PLAN'][0].Plan);
  }

  /** Rows read of a table and its partitions, those a filter threw away included. */
  function rowsRead(plan: readonly PlanNode[], table: RegExp): number {
    return plan
      .filter((node) => table.test(node['Relation Name'] ?? ''))
      .reduce(
        (sum, node) =>
          sum + (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'],
        0,
      );
  }
  const scanned = (plan: readonly PlanNode[]): string[] =>
    plan.filter((node) => node['Node Type'] === 'Seq Scan').map((node) => node['Relation Name'] ?? '');

  it.each([null, 't3'])(
    'rates of %s read the newest changes by index, no more than they may',
    async (tenant) => {
      const question = { now: NOW, tenant, queue: null };
      const plan = await explain(levelFlowStatement(LEDGER_1, question, ['waiting', 'running']));
      expect(scanned(plan)).toEqual([]);
      expect(rowsRead(plan, /^changes$/)).toBe(MAX_CHANGES);
      // Each key is looked up once, however many changes name it.
      expect(rowsRead(plan, /^usage_keys$/)).toBeLessThanOrEqual(100);
    },
  );

  it.each([null, 't3'])('waits and runs of %s read a sample of the last minutes by index', async (tenant) => {
    const question = { checkpoint: BigInt(EVENTS), sinceMs: NOW - 1_200_000, tenant };
    const statement = recentFactsStatement(LEDGER_1, question);
    const plan = await explain(statement);
    expect(scanned(plan)).toEqual([]);
    // The sample, and the halving of positions that finds where it begins.
    expect(rowsRead(plan, /^log/)).toBeLessThanOrEqual(MAX_EVENTS + 60);
    expect(rowsRead(plan, /^entities$/)).toBeLessThanOrEqual(MAX_EVENTS);
    const { rows } = await pool.query<{ stride: string; tenant: string }>(statement.text, statement.values);
    expect(Number(rows[0]!.stride)).toBe(RECENT / MAX_EVENTS);
    expect(rows.length).toBe(
      tenant === null ? MAX_EVENTS : rows.filter((row) => row.tenant === tenant).length,
    );
  });

  it('what happened since the last look is read by position, and nothing else', async () => {
    const span = await explain(recentSpanStatement({ checkpoint: BigInt(EVENTS), sinceMs: NOW - 1_200_000 }));
    expect(scanned(span).filter((name) => name.startsWith('log'))).toEqual([]);
    expect(rowsRead(span, /^log/)).toBeLessThanOrEqual(60);
    const { low } = (
      await pool.query<{ low: string }>(
        recentSpanStatement({ checkpoint: BigInt(EVENTS), sinceMs: NOW - 1_200_000 }),
      )
    ).rows[0]!;
    expect(Number(low)).toBe(EVENTS - RECENT);
    const touched = touchedJobsStatement(BigInt(EVENTS - 5_000), BigInt(EVENTS));
    const plan = await explain(touched);
    expect(scanned(plan)).toEqual([]);
    expect(rowsRead(plan, /^log/)).toBe(5_000);
  });

  it('workers are read tenant by tenant, and neither other entities nor those that are retired', async () => {
    const present = String(BigInt(NEVER_RETIRED) - 1n);
    const all = await explain({ text: workersStatement(LEDGER_1), values: [null, present] });
    const one = await explain({ text: workersStatement(LEDGER_1), values: [['t3'], present] });
    const since = await explain({ text: workersStatement(LEDGER_1), values: [['t3'], 990] });
    expect([all, one, since].flatMap(scanned)).toEqual([]);
    // Ten of each tenant are there; 1,000 more of each are retired, at 1 to 1,000.
    expect(rowsRead(all, /^entities$/)).toBeLessThanOrEqual(7 * 10 + 20);
    expect(rowsRead(one, /^entities$/)).toBe(10);
    expect(rowsRead(since, /^entities$/)).toBe(20);
  });

  it('the last job of each worker is the latest quarter-hour of its key', async () => {
    const key = '00000000-0000-0000-0000-000000000001';
    const plan = await explain({ text: lastBusyStatement(LEDGER_1), values: [[key]] });
    expect(scanned(plan)).toEqual([]);
    expect(plan.map((node) => node['Node Type'])).not.toContain('Sort');
  });
});
