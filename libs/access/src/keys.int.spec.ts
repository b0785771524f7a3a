import { ManualClock } from '@quipu/platform';
import { testDatabase, type TestDatabase } from '../../../test/support/index.js';
import { hashSecret } from './api-key.js';
import { bootstrapSuperadmin } from './bootstrap-superadmin.js';
import { InvalidPrincipalError, UnknownPrincipalError } from './errors.js';
import { KeyStore } from './key-store.js';
import { isSuperadmin } from './principal.js';
import { Principals } from './principals.js';
import { TenantDirectory } from './tenant-directory.js';

const START = 1_700_000_000_000;

describe('keys and principals', () => {
  let database: TestDatabase;
  let principals: Principals;
  let keys: KeyStore;
  const clock = new ManualClock(START);

  beforeAll(async () => {
    database = await testDatabase();
    principals = new Principals(database.pool, clock);
    keys = new KeyStore(database.pool, clock);
    const tenants = new TenantDirectory(database.pool, clock);
    await tenants.create({ id: 'id-a', name: 'acme' });
    await tenants.create({ id: 'id-b', name: 'beta' });
    await principals.createPrincipal({ tenantId: 'id-a', name: 'ann', role: 'admin' });
    await principals.createPrincipal({ tenantId: 'id-b', name: 'ann', role: 'user' });
  });
  afterAll(() => database.drop());
  beforeEach(() => clock.set(START));

  it('makes secrets of 256 random bits and stores only their SHA-256', async () => {
    const { id, secret } = await keys.createKey({ tenantId: 'id-a', name: 'ann' }, { label: 'laptop' });
    expect(secret).toMatch(/^qk_[A-Za-z0-9_-]{43}$/);
    const { rows } = await database.pool.query(
      `SELECT key_hash, api_keys::text FROM api_keys WHERE id = $1`,
      [id],
    );
    expect(rows[0].key_hash).toEqual(hashSecret(secret));
    expect(rows[0].api_keys).not.toContain(secret);
    const listed = await keys.listKeys('id-a');
    expect(listed.find((key) => key.id === id)).toMatchObject({ label: 'laptop', revokedMs: null });
    expect(JSON.stringify(listed)).not.toContain(secret);
  });

  it('accepts a key only from its own user in its own tenant', async () => {
    const { secret } = await keys.createKey({ tenantId: 'id-a', name: 'ann' });
    expect(await keys.authenticate({ tenant: 'acme', user: 'ann', secret })).toEqual({
      tenantId: 'id-a',
      tenantName: 'acme',
      name: 'ann',
      role: 'admin',
      sourcePrefix: null,
    });
    for (const wrong of [
      { tenant: 'beta', user: 'ann', secret },
      { tenant: 'acme', user: 'bob', secret },
      { tenant: 'nobody', user: 'ann', secret },
      { tenant: 'acme', user: 'ann', secret: `${secret}x` },
      { tenant: 'acme', user: 'ann', secret: '' },
      { tenant: '', user: '', secret },
    ]) {
      expect(await keys.authenticate(wrong)).toBeNull();
    }
  });

  it('refuses a key from the moment it is revoked', async () => {
    const { id, secret } = await keys.createKey({ tenantId: 'id-a', name: 'ann' });
    expect(await keys.revokeKey(id)).toBe(true);
    expect(await keys.authenticateSecret(secret)).toBeNull();
    expect(await keys.revokeKey(id)).toBe(false);
    expect(await keys.revokeKey('not-a-uuid')).toBe(false);
  });

  it('refuses a key from the instant it expires', async () => {
    const { secret } = await keys.createKey({ tenantId: 'id-a', name: 'ann' }, { expiresMs: START + 10 });
    clock.set(START + 9);
    expect(await keys.authenticateSecret(secret)).not.toBeNull();
    clock.set(START + 10);
    expect(await keys.authenticateSecret(secret)).toBeNull();
    await expect(keys.createKey({ tenantId: 'id-a', name: 'ann' }, { expiresMs: START })).rejects.toThrow(
      InvalidPrincipalError,
    );
  });

  it('makes no key for nobody, no principal in no tenant, no superadmin outside its tenant', async () => {
    await expect(keys.createKey({ tenantId: 'id-a', name: 'zoe' })).rejects.toThrow(UnknownPrincipalError);
    await expect(
      principals.createPrincipal({ tenantId: 'nowhere', name: 'ann', role: 'admin' }),
    ).rejects.toThrow(UnknownPrincipalError);
    await expect(
      principals.createPrincipal({ tenantId: 'id-a', name: 'root', role: 'superadmin' }),
    ).rejects.toThrow(InvalidPrincipalError);
    await expect(
      database.pool.query(
        `INSERT INTO principals (tenant_id, name, role, created_ms) VALUES ('id-a', 'root', 'superadmin', 0)`,
      ),
    ).rejects.toThrow(/superadmins_in_tenant_superadmin/);
    await expect(
      principals.createPrincipal({ tenantId: 'id-a', name: 'r', role: 'admin', sourcePrefix: 'x' }),
    ).rejects.toThrow(InvalidPrincipalError);
  });

  it('changes the role of a principal whose keys stay', async () => {
    const { secret } = await keys.createKey({ tenantId: 'id-b', name: 'ann' });
    await principals.createPrincipal({ tenantId: 'id-b', name: 'ann', role: 'scraper' });
    expect((await keys.authenticateSecret(secret))?.role).toBe('scraper');
    expect((await principals.list('id-b')).map(({ name, role }) => [name, role])).toEqual([
      ['ann', 'scraper'],
    ]);
  });

  it('writes to the audit who made and revoked keys, and no secret', async () => {
    const { id, secret } = await keys.createKey(
      { tenantId: 'id-a', name: 'ann' },
      { actor: 'superadmin/admin' },
    );
    await keys.revokeKey(id, 'superadmin/admin');
    const { rows } = await database.pool.query(
      `SELECT actor, action, detail FROM audit WHERE detail ->> 'key' = $1 ORDER BY id`,
      [id],
    );
    expect(rows.map(({ actor, action }) => [actor, action])).toEqual([
      ['superadmin/admin', 'key.created'],
      ['superadmin/admin', 'key.revoked'],
    ]);
    expect(JSON.stringify(rows)).not.toContain(secret);
  });

  describe('bootstrapSuperadmin', () => {
    const valid = async (secret: string) => {
      const principal = await keys.authenticate({ tenant: 'superadmin', user: 'admin', secret });
      return principal !== null && isSuperadmin(principal);
    };

    it('makes the preset key valid, and the one preset before invalid', async () => {
      await bootstrapSuperadmin(database.pool, 'first', clock);
      await bootstrapSuperadmin(database.pool, 'first', clock);
      expect(await valid('first')).toBe(true);
      const made = await keys.createKey({ tenantId: 'superadmin', name: 'admin' });
      await bootstrapSuperadmin(database.pool, 'second', clock);
      expect([await valid('first'), await valid('second'), await valid(made.secret)]).toEqual([
        false,
        true,
        true,
      ]);
      await bootstrapSuperadmin(database.pool, 'first', clock);
      expect([await valid('first'), await valid('second')]).toEqual([true, false]);
    });

    it('rules over a revocation and a lost role', async () => {
      await bootstrapSuperadmin(database.pool, 'first', clock);
      await database.pool.query(`UPDATE api_keys SET revoked_ms = 1 WHERE tenant_id = 'superadmin'`);
      await principals.createPrincipal({ tenantId: 'superadmin', name: 'admin', role: 'user' });
      await bootstrapSuperadmin(database.pool, 'first', clock);
      expect(await valid('first')).toBe(true);
    });

    it('leaves one preset key valid when processes start at once with different ones', async () => {
      await Promise.all(['k1', 'k2', 'k3'].map((key) => bootstrapSuperadmin(database.pool, key, clock)));
      const outcomes = await Promise.all(['first', 'k1', 'k2', 'k3'].map(valid));
      expect(outcomes.filter(Boolean)).toHaveLength(1);
    });

    it("does not take over another principal's key", async () => {
      const { secret } = await keys.createKey({ tenantId: 'id-a', name: 'ann' });
      await expect(bootstrapSuperadmin(database.pool, secret, clock)).rejects.toThrow(InvalidPrincipalError);
      expect((await keys.authenticateSecret(secret))?.tenantId).toBe('id-a');
    });
  });
});
