import { type Scope, scopeOf, SUPERADMIN_TENANT } from '@quipu/access';
import type { Pool } from 'pg';
import { testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import { DEFAULT_POLICIES, DEFAULT_RULE } from './default-policies.js';
import { parseSort } from './page.js';
import { ArchivePolicies } from './policies.js';
import { ArchiveResources, RESOURCE_SORT_KEYS } from './resources.js';

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

  it('changes a policy to the order that is given, and to no other granularities', async () => {
    const policies = new ArchivePolicies(database.pool);
    const item = (granularityNs: bigint, points: number) => ({
      ...{ granularityNs, points },
      timespanNs: granularityNs * BigInt(points),
    });
    const [second, minute] = [1_000_000_000n, 60_000_000_000n];
    const policy = { name: 'two', backWindow: 1, definition: [item(second, 60), item(minute, 60)] };
    await policies.create({ ...policy, aggregationMethods: ['mean'] });
    const changed = await policies.change('two', [item(minute, 10), item(second, 20)]);
    expect(changed.definition).toEqual([item(minute, 10), item(second, 20)]);
    expect(await policies.change('two', [item(second, 5), item(minute, 6)], 2)).toMatchObject({
      ...{ backWindow: 2, definition: [item(second, 5), item(minute, 6)] },
    });
    await expect(policies.change('two', [item(second, 5), item(2n * minute, 6)])).rejects.toThrow(
      '60.0 granularity interval was changed',
    );
  });

  it.each([
    ['user', 'Index Scan using archive_resources_of_tenant '],
    ['superadmin', 'Index Scan using archive_resources_of_all '],
  ] as const)('lists resources for a %s without sorting all of them', async (role, index) => {
    const principal = { tenantId: SUPERADMIN_TENANT, tenantName: SUPERADMIN_TENANT, name: 'ann' };
    const scope: Scope = scopeOf({ ...principal, role, sourcePrefix: null })!;
    const asked: [string, unknown[]][] = [];
    const pool = {
      query: (text: string, values: unknown[]) => {
        asked.push([text, values]);
        return Promise.resolve({ rows: [] });
      },
    } as unknown as Pool;
    const sort = parseSort(['revision_start:asc', 'started_at:asc'], RESOURCE_SORT_KEYS);
    await new ArchiveResources(pool).list(scope, { sort, limit: 10 });
    const client = await database.pool.connect();
    try {
      // A table with a few rows is read from its beginning to its end, whatever indexes it has.
      await client.query('SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off');
      const [[text, values]] = asked as [[string, unknown[]]];
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${text}`, values);
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      expect(plan).toContain(index);
      expect(plan).not.toMatch(/^\s*(->\s*)?(Incremental )?Sort /m);
    } finally {
      client.release(true);
    }
  });
});
