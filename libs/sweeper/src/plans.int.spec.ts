import { LEDGER_1 } from '@quipu/ledger';
import { PROJECTION_SESSION } from '@quipu/projection-engine';
import { clientConfig } from '@quipu/platform';
import pg from 'pg';
import { testDatabase, type TestDatabase } from '../../../test/support/index.js';
import { readDue, readLeft, readWoken } from './due.js';
import type { SweeperClient } from './feed.js';
import { readOutlook } from './outlook.js';

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  Plans?: PlanNode[];
}

const flatten = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(flatten)];

/** All at once. */
const PAGE = { after: null, most: 200 };

describe('a sweep', () => {
  let database: TestDatabase;
  let client: pg.Client;

  beforeAll(async () => {
    database = await testDatabase();
    client = new pg.Client(clientConfig(database.url, { session: PROJECTION_SESSION }));
    await client.connect();
    await database.pool.query('SELECT log_ensure_partitions(1)');
    // One life that is due, one that is lost, each of a worker that a job holds; many others.
    await database.pool.query(`
      INSERT INTO sweeper_lives (tenant, worker, life, since_ms, sign_ms, beats, lost_ms, heard_ms, retired, in_touch)
      SELECT 'superadmin', 'w' || n, '', 0, 0, true, CASE WHEN n = 2 THEN 0 END, CASE WHEN n < 3 THEN 50 ELSE 1000 END,
             false, n <> 2 FROM generate_series(1, 1000) n`);
    await database.pool.query(`
      INSERT INTO ${LEDGER_1}.entities (tenant, kind, id, state, last_position)
      SELECT 'superadmin', 3, 'worker/w' || n, '{"holds":["[\\"acme\\",\\"job/q/1\\"]"]}'::json, 1
        FROM generate_series(1, 1000) n
      UNION ALL SELECT 'acme', 1, 'job/q/' || n, '{"attempts":[],"removed":[]}'::json, 1 FROM generate_series(1, 9000) n`);
  });
  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  /** Runs something, and tells by which indexes its statements looked at entities and lives. */
  async function indexesOf<T>(work: (spied: SweeperClient) => Promise<T>): Promise<[T, string[]]> {
    const found: string[] = [];
    const query = async (text: string, values: unknown[]) => {
      const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
        `EXPLAIN (FORMAT JSON) ${text}`,
        values,
      );
      for (const node of flatten(rows[0]!['QUERY PLAN'][0].Plan)) {
        const table = node['Relation Name'] ?? '';
        if (/^(entities|sweeper_lives|sweeper_endings|log_p\d+)$/.test(table)) {
          found.push(node['Index Name'] ?? `${node['Node Type']} of ${table}`);
        }
      }
      return client.query(text, values);
    };
    return [await work({ query } as unknown as SweeperClient), found];
  }

  it('looks at who is due alone, and at their jobs, by index', async () => {
    const [due, indexes] = await indexesOf((spied) => readDue(spied, LEDGER_1, 100, PAGE));
    expect(due.found.map(({ lives }) => lives.map(({ worker }) => worker))).toEqual([['w1']]);
    expect(indexes).toEqual(expect.arrayContaining(['entities_pkey', 'log_p0_pkey', 'sweeper_lives_due']));
    expect(indexes.filter((index) => index.includes('Scan of'))).toEqual([]);
  });

  it('looks at the entities of those who are lost alone', async () => {
    const [left, indexes] = await indexesOf((spied) => readLeft(spied, LEDGER_1, 100, PAGE));
    expect(left.found.map(({ lives }) => lives.map(({ worker }) => worker))).toEqual([['w2']]);
    expect(indexes).toContain('entities_pkey');
    expect(indexes.filter((index) => index.includes(' of entities'))).toEqual([]);
  });

  it('finds attempts to wake, and where everything stands, by index', async () => {
    const [, woken] = await indexesOf((spied) => readWoken(spied, PAGE));
    expect(woken).toEqual(['sweeper_endings_woken']);
    const [outlook, indexes] = await indexesOf(readOutlook);
    expect(outlook).toMatchObject({ head: 0n, position: 0n, halted: false, ledger: LEDGER_1 });
    expect(indexes.filter((index) => index.includes('Seq Scan'))).toEqual([]);
  });
});
