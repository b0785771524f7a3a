import { testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import { DEFAULT_POLICIES, DEFAULT_RULE } from './default-policies.js';
import { ArchivePolicies } from './policies.js';

describe('the catalogue', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await testDatabase();
  });
  afterAll(() => database.drop());

  it('gets all of what a fresh archive has, or none: an outage in between can be made up for', async () => {
    const { pool } = database;
    const policies = new ArchivePolicies(pool);
    await pool.query(`
      CREATE FUNCTION outage() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'away'; END $$;
      CREATE TRIGGER outage BEFORE INSERT ON archive_policies FOR EACH ROW WHEN (NEW.name = 'medium')
        EXECUTE FUNCTION outage()`);
    await expect(policies.installDefaults()).rejects.toThrow('away');
    expect(await policies.list()).toEqual([]);
    await pool.query(`DROP TRIGGER outage ON archive_policies`);

    await Promise.all([policies.installDefaults(), new ArchivePolicies(pool).installDefaults()]);
    expect((await policies.list()).map(({ name }) => name)).toEqual(
      DEFAULT_POLICIES.map(({ name }) => name).sort(),
    );
    const { rows } = await pool.query(`SELECT name, archive_policy_name AS policy FROM archive_rules`);
    expect(rows).toEqual([{ name: DEFAULT_RULE.name, policy: DEFAULT_RULE.policy }]);
  });
});
