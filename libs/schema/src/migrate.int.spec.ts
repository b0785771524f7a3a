import { createLogger } from '@quipu/platform';
import { testDatabase, type TestDatabase } from '../../../test/support/index.js';
import { dataSource, migrations } from './data-source.js';
import { migrate } from './migrate.js';
import { pendingMigrations } from './pending-migrations.js';

const log = createLogger('test', 'silent');

describe('migrate', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await testDatabase({ migrated: false });
  });
  afterAll(() => database.drop());

  const epoch = async (): Promise<string | undefined> =>
    (await database.pool.query<{ epoch: string }>('SELECT epoch FROM ledger_epoch')).rows[0]?.epoch;

  it('runs once when two processes migrate an empty database at the same time', async () => {
    expect(await pendingMigrations(database.url)).toHaveLength(migrations.length);
    const ran = await Promise.all([migrate(database.url, log), migrate(database.url, log)]);
    expect(ran.map((names) => names.length).sort()).toEqual([0, migrations.length]);
    expect(await pendingMigrations(database.pool)).toEqual([]);
  });

  it('keeps the epoch when there is nothing to do', async () => {
    const before = await epoch();
    expect(await migrate(database.url, log)).toEqual([]);
    expect(await epoch()).toBe(before);
  });

  it('goes all the way back and forth, and every run makes a new epoch', async () => {
    const before = await epoch();
    const source = await dataSource(database.url).initialize();
    for (let i = 0; i < migrations.length; i += 1) await source.undoLastMigration();
    await source.destroy();
    const { rows } = await database.pool.query<{ name: string }>(
      `SELECT tablename AS name FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
    );
    expect(rows.map((row) => row.name)).toEqual(['schema_migrations']);
    expect(await migrate(database.url, log)).toHaveLength(migrations.length);
    expect(await epoch()).not.toBe(before);
  });
});
