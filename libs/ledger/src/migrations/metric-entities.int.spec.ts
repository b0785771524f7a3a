import { migratingDatabase, type MigratingDatabase } from '../../test/migrating-database.js';
import { ledgerSchema } from '../schema.js';
import { ledgerTables } from './ledger-tables.js';
import { MetricEntities1764000000400 } from './metric-entities.migration.js';

const COLUMNS = `
  SELECT table_name, ordinal_position, column_name, data_type, is_nullable FROM information_schema.columns
   WHERE table_schema = $1 ORDER BY 1, 2`;
const CONSTRAINTS = `
  SELECT c.relname, k.conname, replace(pg_get_constraintdef(k.oid), $1, '') AS definition
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname = $1 AND k.contype <> 'n' ORDER BY 1, 2`;

describe('the migration that makes room for metrics', () => {
  let database: MigratingDatabase;
  const migration = new MetricEntities1764000000400();

  beforeAll(async () => {
    database = await migratingDatabase();
  });
  afterAll(() => database.drop());

  it('keeps what an older ledger holds, under labels', async () => {
    const { pool } = database;
    await migration.down(database.runner);
    await pool.query(`INSERT INTO ledger_1.members (family, tenant, queue, member, score) VALUES
      ('waiting', 'acme', 'q "1" ü', 'job/1', 5), ('waiting', 'acme', '', 'job/2', 6)`);
    await pool.query(
      `INSERT INTO ledger_1.amounts VALUES ('workers', 'acme', '{}', 2), ('jobs', 'acme', '{}', 1)`,
    );
    await migration.up(database.runner);
    const members = await pool.query('SELECT labels, member, score FROM ledger_1.members ORDER BY member');
    expect(members.rows).toEqual([
      { labels: JSON.stringify({ queue: 'q "1" ü' }), member: 'job/1', score: '5' },
      { labels: '{"queue":""}', member: 'job/2', score: '6' },
    ]);
    const amounts = await pool.query('SELECT family FROM ledger_1.amounts ORDER BY family');
    expect(amounts.rows).toEqual([{ family: 'jobs' }, { family: 'quipu_workers' }]);
    await migration.down(database.runner);
    const back = await pool.query('SELECT queue FROM ledger_1.members ORDER BY member');
    expect(back.rows).toEqual([{ queue: 'q "1" ü' }, { queue: '' }]);
    await migration.up(database.runner);
  });

  it('makes the tables that a new generation has', async () => {
    const { pool } = database;
    for (const statement of ledgerTables(ledgerSchema(2))) await pool.query(statement);
    for (const query of [COLUMNS, CONSTRAINTS]) {
      const [first, second] = [await pool.query(query, ['ledger_1']), await pool.query(query, ['ledger_2'])];
      expect(first.rows.length).toBeGreaterThan(10);
      expect(second.rows).toEqual(first.rows);
    }
  });
});
