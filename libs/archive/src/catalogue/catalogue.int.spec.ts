import { randomUUID } from 'node:crypto';
import { type Scope, scopeOf, SUPERADMIN_TENANT } from '@quipu/access';
import type { Pool } from 'pg';
import { testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import { DEFAULT_POLICIES, DEFAULT_RULE } from './default-policies.js';
import { parseSort } from './page.js';
import { ArchivePolicies } from './policies.js';
import { ArchiveResources, RESOURCE_SORT_KEYS } from './resources.js';
import { growthOf, needRoom } from './room.js';

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
      const found = plan.slice(plan.indexOf('CTE page'), plan.indexOf(index) + index.length);
      expect(found).toContain(index);
      expect(found).not.toContain('Sort');
    } finally {
      client.release(true);
    }
  });

  it('cuts a page of resources where they have many metrics, and lets no resource have too many', async () => {
    const { pool } = database;
    await new ArchivePolicies(pool).installDefaults();
    const tenant = SUPERADMIN_TENANT;
    const resources = new ArchiveResources(pool, 3);
    const ids = Array.from({ length: 3 }, () => randomUUID());
    const named = (count: number) =>
      Array.from({ length: count }, (_, i) => ({
        id: randomUUID(),
        name: `m${i}`,
        unit: null,
        policy: 'low',
      }));
    for (const [i, id] of ids.entries()) {
      const owner = { tenant, creator: 'ann', id, type: 'generic', originalId: id };
      const times = { startedUs: 0n, endedUs: null, revisionStartUs: BigInt(i) };
      const body = { userId: null, projectId: null, metrics: named(i === 1 ? 5 : 2), adopted: new Map() };
      await resources.create({ ...owner, ...times, ...body }, 0);
    }
    const sort = parseSort(['revision_start'], RESOURCE_SORT_KEYS);
    const scope = scopeOf({
      ...{ tenantId: tenant, tenantName: tenant, name: 'ann', role: 'user', sourcePrefix: null },
    })!;
    const pages: [string[], boolean][] = [];
    for (let marker: string | undefined = undefined; pages.length < 4;) {
      const given: { marker?: string } = marker === undefined ? {} : { marker };
      const page = await resources.list(scope, { sort, limit: 10, ...given });
      pages.push([page.resources.map(({ id }) => id), page.mayGoOn]);
      if (!page.mayGoOn) break;
      marker = page.resources.at(-1)?.id;
    }
    expect(pages).toEqual([
      [[ids[0]], true],
      [[ids[1]], true],
      [[ids[2]], false],
    ]);
    expect((await resources.list(scope, { sort, limit: 1 })).mayGoOn).toBe(true);

    const more = growthOf([
      ...named(3).map(() => ({ tenant, resourceId: ids[0]! })),
      { tenant, resourceId: null },
    ]);
    expect(more).toEqual([{ tenant, resourceId: ids[0], added: 3 }]);
    await needRoom(pool, more, 5);
    await expect(needRoom(pool, more, 4)).rejects.toMatchObject({ refusal: 'too-many-metrics' });
    await needRoom(pool, [], 0);
  });
});
