import { ManualClock } from '@quipu/platform';
import { testDatabase, type TestDatabase } from '../../../test/support/index.js';
import { TenantExistsError } from './errors.js';
import { TenantDirectory } from './tenant-directory.js';

describe('TenantDirectory', () => {
  let database: TestDatabase;
  let tenants: TenantDirectory;

  beforeAll(async () => {
    database = await testDatabase();
    tenants = new TenantDirectory(database.pool, new ManualClock(1_000));
  });
  afterAll(() => database.drop());

  it('knows tenant superadmin from the first migration on', async () => {
    expect((await tenants.list()).map(({ id, origin }) => [id, origin])).toEqual([['superadmin', 'system']]);
  });

  it('brings a tenant into being when a trusted path meets it first', async () => {
    const { known, refused } = await tenants.ensure(['g1', 'g2', 'g1', 'superadmin'], 'auto');
    expect([...known].sort()).toEqual(['g1', 'g2', 'superadmin']);
    expect(refused.size).toBe(0);
    expect(await tenants.findByIdThenName('g1')).toEqual({
      id: 'g1',
      name: 'g1',
      createdMs: 1_000,
      origin: 'event',
    });
  });

  it('keeps tenants private until somebody publishes them, and remembers who did', async () => {
    expect(await tenants.publicIds()).toEqual(new Set());
    expect(await tenants.setPublic('g1', true, 'superadmin/ann')).toBe(true);
    expect(await tenants.publicIds()).toEqual(new Set(['g1']));
    expect(await tenants.setPublic('stranger', true, 'superadmin/ann')).toBe(false);
    expect(await tenants.setPublic('g1', false, 'superadmin/ann')).toBe(true);
    expect(await tenants.publicIds()).toEqual(new Set());
    const { rows } = await database.pool.query(`SELECT action, actor, detail FROM audit ORDER BY id`);
    expect(rows).toEqual([
      { action: 'tenant.published', actor: 'superadmin/ann', detail: { tenant: 'g1' } },
      { action: 'tenant.unpublished', actor: 'superadmin/ann', detail: { tenant: 'g1' } },
    ]);
  });

  it('refuses unknown tenants in strict mode, and lets known ones pass', async () => {
    const { known, refused } = await tenants.ensure(['g1', 'stranger'], 'strict');
    expect([...known]).toEqual(['g1']);
    expect([...refused]).toEqual([['stranger', 'tenant "stranger" is unknown']]);
    expect(await tenants.findByIdThenName('stranger')).toBeNull();
  });

  it.each(['auto', 'strict'] as const)(
    'refuses the name of a tenant given for its id, telling the id (%s)',
    async (mode) => {
      await tenants.create({ id: `id-${mode}`, name: `Name ${mode}` });
      const { known, refused } = await tenants.ensure([`Name ${mode}`], mode);
      expect(known.size).toBe(0);
      expect(refused.get(`Name ${mode}`)).toContain(`"id-${mode}"`);
    },
  );

  it('finds by id before name, and by name', async () => {
    await tenants.create({ id: 'uuid-7', name: 'acme' });
    expect((await tenants.findByIdThenName('uuid-7'))?.name).toBe('acme');
    expect((await tenants.findByIdThenName('acme'))?.id).toBe('uuid-7');
    expect(await tenants.findByIdThenName('ACME')).toBeNull();
  });

  it('keeps ids and names of all tenants in one space', async () => {
    await expect(tenants.create({ id: 'acme' })).rejects.toThrow(TenantExistsError);
    await expect(tenants.create({ id: 'new', name: 'uuid-7' })).rejects.toThrow(TenantExistsError);
    await expect(tenants.create({ id: 'new', name: 'acme' })).rejects.toThrow(TenantExistsError);
    await expect(tenants.create({ id: 'uuid-7', name: 'other' })).rejects.toThrow(TenantExistsError);
  });

  it('lets an id and a name that cross collide even when both are inserted at the same instant', async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, (_, i) =>
        new TenantDirectory(database.pool).create(
          i % 2 === 0 ? { id: 'cross', name: `n${i}` } : { id: `i${i}`, name: 'cross' },
        ),
      ),
    );
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
  });

  it('gives every one of many concurrent callers the same new tenants', async () => {
    const ids = Array.from({ length: 40 }, (_, i) => `t${i}`);
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        new TenantDirectory(database.pool).ensure(i % 2 === 0 ? ids : [...ids].reverse(), 'auto'),
      ),
    );
    for (const { known, refused } of answers) {
      expect(known).toEqual(new Set(ids));
      expect(refused.size).toBe(0);
    }
  });

  it('asks the database once for what it knows', async () => {
    const directory = new TenantDirectory(database.pool);
    await directory.ensure(['g1'], 'auto');
    await database.pool.query(`ALTER TABLE tenants RENAME TO tenants_away`);
    try {
      expect((await directory.ensure(['g1'], 'strict')).known).toEqual(new Set(['g1']));
    } finally {
      await database.pool.query(`ALTER TABLE tenants_away RENAME TO tenants`);
    }
  });
});
