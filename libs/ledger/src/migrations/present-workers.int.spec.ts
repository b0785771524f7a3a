import { testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import { ledgerSchema } from '../schema.js';
import { ledgerTables } from './ledger-tables.js';

describe('the index of workers', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await testDatabase();
  });
  afterAll(() => database.drop());

  it('is the same in a generation that was migrated and in a new one', async () => {
    for (const statement of ledgerTables(ledgerSchema(2))) await database.pool.query(statement);
    const shape = async (schema: string): Promise<unknown> => {
      const { rows } = await database.pool.query(
        `SELECT replace(pg_get_indexdef(x.indexrelid), $1, '') AS index,
                (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d WHERE d.adrelid = x.indrelid) AS generated
           FROM pg_index x WHERE x.indexrelid = ($1 || '.entities_workers')::regclass`,
        [schema],
      );
      return rows;
    };
    expect(await shape('ledger_2')).toEqual(await shape('ledger_1'));
  });

  it('tells when workers were retired, and of other entities nothing', async () => {
    const { rows } = await database.pool.query(
      `INSERT INTO ledger_1.entities VALUES
         ('t', 3, 'worker/1', '{"retired":1700000000000}', 1), ('t', 3, 'worker/2', '{"registered":5}', 1),
         ('t', 1, 'job/1', '{"retired":"odd"}', 1) RETURNING id, retired_ms`,
    );
    expect(rows).toEqual([
      { id: 'worker/1', retired_ms: '1700000000000' },
      { id: 'worker/2', retired_ms: null },
      { id: 'job/1', retired_ms: null },
    ]);
  });

  it('lets states of jobs and of workers change in place', async () => {
    const client = await database.pool.connect();
    try {
      await client.query('BEGIN');
      await client.query(
        `UPDATE ledger_1.entities SET state = '{"registered":5,"host":1}', last_position = 2 WHERE id = 'worker/2'`,
      );
      await client.query(
        `UPDATE ledger_1.entities SET state = '{"a":1}', last_position = 2 WHERE id = 'job/1'`,
      );
      const { rows } = await client.query(
        `SELECT pg_stat_get_xact_tuples_hot_updated('ledger_1.entities'::regclass)::int AS hot`,
      );
      expect(rows).toEqual([{ hot: 2 }]);
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
  });
});
