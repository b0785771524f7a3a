import { randomUUID } from 'node:crypto';
import type { Role } from '@quipu/access';
import { startTestSystem, type TestSystem } from './support/test-system.js';

const NOW = Date.UTC(2026, 2, 2, 12);
const HOUR = 3_600_000;
const ROLES: readonly Role[] = ['superadmin', 'admin', 'user', 'reporter', 'scraper'];
const TENANTS = ['superadmin', 't-acme', 't-beta'] as const;

interface Caller {
  readonly tenant: string;
  readonly role: Role;
  readonly secret: string;
}

interface Key {
  readonly id: string;
  readonly tenant: string;
  readonly principal: string;
  readonly key: string;
  readonly state: string;
  readonly expires: string | null;
}

describe('tenants and keys over HTTP', () => {
  let system: TestSystem;
  const callers: Caller[] = [];

  beforeAll(async () => {
    system = await startTestSystem({ now: NOW });
    await system.tenants.create({ id: 't-acme', name: 'acme' });
    await system.tenants.create({ id: 't-beta', name: 'beta' });
    for (const tenant of TENANTS) {
      for (const role of ROLES) {
        if (role === 'superadmin' && tenant !== 'superadmin') continue;
        callers.push({ tenant, role, secret: await system.principal(tenant, role, role) });
      }
    }
  }, 60_000);
  afterEach(() => system.clock.set(NOW));
  afterAll(() => system.stop());

  const of = (tenant: string, role: Role): Caller =>
    callers.find((caller) => caller.tenant === tenant && caller.role === role)!;
  const root = (): Caller => of('superadmin', 'superadmin');

  function ask(method: 'GET' | 'POST' | 'DELETE', url: string, caller: { secret: string }, body?: unknown) {
    return system.request({
      ...{ method, url, headers: { authorization: `Bearer ${caller.secret}` } },
      ...(body === undefined ? {} : { payload: body as object }),
    });
  }

  async function makeKey(caller: Caller, body: Record<string, unknown>): Promise<Key> {
    const answer = await ask('POST', '/api/keys', caller, body);
    expect([answer.statusCode, answer.body]).toEqual([201, expect.any(String)]);
    return answer.json();
  }

  const works = async (secret: string): Promise<boolean> =>
    (await ask('GET', '/api/usage', { secret })).statusCode !== 401;

  describe('the scope matrix', () => {
    it('shows tenants to admins: all to superadmins, else the own one', async () => {
      for (const caller of callers) {
        const answer = await ask('GET', '/api/tenants', caller);
        const admin = caller.role === 'superadmin' || caller.role === 'admin';
        expect([caller.tenant, caller.role, answer.statusCode]).toEqual([
          caller.tenant,
          caller.role,
          admin ? 200 : 403,
        ]);
        if (!admin) continue;
        const ids = answer.json().data.map(({ id }: { id: string }) => id);
        expect(ids).toEqual(caller.role === 'superadmin' ? [...TENANTS] : [caller.tenant]);
      }
    });

    it('lets superadmins alone create tenants and read the audit', async () => {
      for (const caller of callers) {
        const create = await ask('POST', '/api/tenants', caller, { id: `t-${caller.tenant}-${caller.role}` });
        const audit = await ask('GET', '/api/audit', caller);
        const [created, read] = caller.role === 'superadmin' ? [201, 200] : [403, 403];
        expect([caller.role, create.statusCode, audit.statusCode]).toEqual([caller.role, created, read]);
      }
    });

    it('lets superadmins make every key, and admins those of their own tenant, superadmins excepted', async () => {
      for (const caller of callers) {
        for (const tenant of [...TENANTS, 'nobody']) {
          for (const role of ROLES) {
            const body = { tenant, principal: `made-${randomUUID()}`, role };
            const answer = await ask('POST', '/api/keys', caller, body);
            expect([caller.tenant, caller.role, tenant, role, answer.statusCode]).toEqual([
              caller.tenant,
              caller.role,
              tenant,
              role,
              creation(caller, tenant, role),
            ]);
          }
        }
      }
    });

    it('lists, rotates and revokes keys inside the tenant; a foreign key is as unknown as any', async () => {
      for (const tenant of TENANTS) {
        const { id } = await makeKey(root(), { tenant, principal: `p-${randomUUID()}`, role: 'user' });
        for (const caller of callers) {
          const platform = caller.role === 'superadmin';
          const admin = caller.role === 'admin' && caller.tenant !== 'superadmin';
          const inside = platform || (admin && caller.tenant === tenant);
          const refusal = platform || admin ? 404 : 403;
          const listed = await ask('GET', `/api/keys?tenant=${tenant}&limit=1000`, caller);
          expect(listed.statusCode).toBe(inside ? 200 : refusal);
          if (inside) {
            expect(listed.json().data.some((key: Key) => key.id === id)).toBe(true);
            expect(listed.json().data.every((key: Key) => key.tenant === tenant)).toBe(true);
          }
          for (const [method, path] of [
            ['POST', '/rotate'],
            ['POST', '/revoke'],
            ['DELETE', ''],
          ] as const) {
            if (inside) continue;
            const answer = await ask(method, `/api/keys/${id}${path}`, caller, {});
            expect([caller.tenant, caller.role, path, answer.statusCode]).toEqual([
              caller.tenant,
              caller.role,
              path,
              refusal,
            ]);
            const unknown = randomUUID();
            const other = await ask(method, `/api/keys/${unknown}${path}`, caller, {});
            expect(other.body.replaceAll(unknown, id)).toBe(answer.body);
          }
        }
        expect((await ask('DELETE', `/api/keys/${id}`, root())).json().state).toBe('revoked');
      }
    });

    it('does not let an admin of tenant superadmin make itself more than it is', async () => {
      const admin = of('superadmin', 'admin');
      for (const body of [
        { principal: 'superadmin' },
        { principal: 'superadmin', role: 'admin' },
        { principal: 'eyes', role: 'scraper' },
        { tenant: 't-acme', principal: 'x', role: 'user' },
      ]) {
        expect((await ask('POST', '/api/keys', admin, body)).statusCode).toBe(403);
      }
      expect((await ask('GET', '/api/keys', admin)).statusCode).toBe(403);
    });
  });

  describe('a key', () => {
    const acme = () => of('t-acme', 'admin');

    it('works at once, is shown once, and is never listed', async () => {
      const made = await makeKey(acme(), { principal: 'george', role: 'user', label: 'laptop' });
      expect(made).toMatchObject({
        tenant: 't-acme',
        principal: 'george',
        role: 'user',
        label: 'laptop',
        state: 'valid',
      });
      expect(made.key).toMatch(/^qk_[\w-]{43}$/);
      expect(await works(made.key)).toBe(true);
      const list = await ask('GET', '/api/keys?principal=george', acme());
      expect(list.json().data).toHaveLength(1);
      expect(list.body).not.toContain('qk_');
      expect((await ask('GET', '/api/audit?limit=1000', root())).body).not.toContain('qk_');
    });

    it('of a known principal needs no role, and cannot change the one it has', async () => {
      await makeKey(acme(), { principal: 'rita', role: 'reporter', sourcePrefix: 'acme/' });
      expect((await makeKey(acme(), { principal: 'rita' })).principal).toBe('rita');
      const refused = async (body: object): Promise<number> =>
        (await ask('POST', '/api/keys', acme(), body)).statusCode;
      expect(await refused({ principal: 'rita', role: 'admin' })).toBe(409);
      expect(await refused({ principal: 'rita', sourcePrefix: 'other/' })).toBe(409);
      expect(await refused({ principal: 'new' })).toBe(422);
      expect(await refused({ principal: 'new', role: 'user', sourcePrefix: 'x' })).toBe(422);
    });

    it('is refused from the moment it is revoked, and again is no error', async () => {
      const made = await makeKey(acme(), { principal: 'gone', role: 'user' });
      expect(await works(made.key)).toBe(true);
      const first = await ask('POST', `/api/keys/${made.id}/revoke`, acme());
      expect([first.statusCode, first.json().state]).toEqual([200, 'revoked']);
      expect(await works(made.key)).toBe(false);
      expect((await ask('DELETE', `/api/keys/${made.id}`, acme())).json().revoked).toBe(first.json().revoked);
      expect((await ask('POST', `/api/keys/${made.id}/rotate`, acme(), {})).statusCode).toBe(409);
    });

    it('is refused from the moment it expires', async () => {
      const made = await makeKey(acme(), { principal: 'brief', role: 'user', expires: '+1h' });
      expect(made.expires).toBe(new Date(NOW + HOUR).toISOString());
      system.clock.set(NOW + HOUR - 1);
      expect(await works(made.key)).toBe(true);
      system.clock.set(NOW + HOUR);
      expect(await works(made.key)).toBe(false);
      expect((await ask('GET', '/api/keys?principal=brief', acme())).json().data[0].state).toBe('expired');
      expect((await ask('POST', `/api/keys/${made.id}/rotate`, acme(), {})).statusCode).toBe(409);
    });

    it('is rotated without downtime: both work for the grace, then the new one alone', async () => {
      const old = await makeKey(acme(), {
        principal: 'service',
        role: 'user',
        label: 'svc',
        expires: NOW / 1000 + 7200,
      });
      system.clock.advance(HOUR);
      const answer = await ask('POST', `/api/keys/${old.id}/rotate`, acme(), { graceSeconds: 600 });
      expect(answer.statusCode).toBe(201);
      const made: Key & { replaces: Key } = answer.json();
      expect(made).toMatchObject({
        principal: 'service',
        label: 'svc',
        expires: new Date(NOW + 3 * HOUR).toISOString(),
      });
      expect(made.replaces).toMatchObject({
        id: old.id,
        expires: new Date(NOW + HOUR + 600_000).toISOString(),
      });
      for (const [at, oldWorks] of [
        [NOW + HOUR, true],
        [NOW + HOUR + 599_999, true],
        [NOW + HOUR + 600_000, false],
      ] as const) {
        system.clock.set(at);
        expect([at, await works(old.key), await works(made.key)]).toEqual([at, oldWorks, true]);
      }
    });

    it('rotated without grace stops at once; a longer grace does not prolong its life', async () => {
      const first = await makeKey(acme(), { principal: 'now', role: 'user' });
      const second: Key = (
        await ask('POST', `/api/keys/${first.id}/rotate`, acme(), { graceSeconds: 0 })
      ).json();
      expect([await works(first.key), await works(second.key), second.expires]).toEqual([false, true, null]);
      const brief = await makeKey(acme(), { principal: 'now', expires: '+1h' });
      const rotated = (await ask('POST', `/api/keys/${brief.id}/rotate`, acme())).json();
      expect(rotated.replaces.expires).toBe(brief.expires);
    });

    it('rotated again within its grace gives one that lives as long as the first did', async () => {
      const endless = await makeKey(acme(), { principal: 'twice', role: 'user' });
      const dated = await makeKey(acme(), { principal: 'twice', expires: '+2h' });
      for (const [{ id }, expires] of [
        [endless, null],
        [dated, new Date(system.clock.now() + 2 * HOUR).toISOString()],
      ] as const) {
        for (const graceSeconds of [600, 300, 600]) {
          const path = `/api/keys/${id.toUpperCase()}/rotate`;
          const answer = await ask('POST', path, acme(), { graceSeconds });
          expect([answer.statusCode, answer.json().expires]).toEqual([201, expires]);
        }
      }
    });

    it('that the configuration presets is not rotated here, nor imitated', async () => {
      const preset = await system.keys.createKey(
        { tenantId: 'superadmin', name: 'superadmin' },
        { label: 'preset' },
      );
      expect((await ask('POST', `/api/keys/${preset.id}/rotate`, root(), {})).statusCode).toBe(409);
      const body = { tenant: 'superadmin', principal: 'superadmin', label: 'preset' };
      expect((await ask('POST', '/api/keys', root(), body)).statusCode).toBe(422);
    });

    it('lists in pages, newest first, once each', async () => {
      for (let i = 0; i < 5; i += 1) {
        system.clock.set(NOW + 10_000 + Math.floor(i / 2));
        await makeKey(acme(), { principal: 'many', ...(i === 0 ? { role: 'user' } : {}), label: String(i) });
      }
      const whole = (await ask('GET', '/api/keys?principal=many', acme())).json().data;
      const pages: Key[] = [];
      let next: string | null = '';
      while (next !== null) {
        const cursor: string = next === '' ? '' : `&cursor=${next}`;
        const page: { data: Key[]; next: string | null } = (
          await ask('GET', `/api/keys?principal=many&limit=2${cursor}`, acme())
        ).json();
        pages.push(...page.data);
        next = page.next;
        await makeKey(acme(), { principal: 'late', role: 'user' });
      }
      expect(pages).toEqual(whole);
      expect(whole).toHaveLength(5);
    });
  });

  describe('the audit', () => {
    it('tells who administered what', async () => {
      const made = await makeKey(of('t-acme', 'admin'), { principal: 'traced', role: 'user' });
      await ask('POST', `/api/keys/${made.id}/rotate`, root(), { graceSeconds: 60 });
      await ask('DELETE', `/api/keys/${made.id}`, of('t-acme', 'admin'));
      await ask('POST', '/api/tenants', root(), { id: 't-traced' });
      const rows: { actor: string; action: string; detail: Record<string, unknown> }[] = (
        await ask('GET', '/api/audit?limit=5', root())
      ).json().data;
      expect(rows.map(({ actor, action }) => [actor, action])).toEqual([
        ['superadmin/superadmin', 'tenant.created'],
        ['t-acme/admin', 'key.revoked'],
        ['superadmin/superadmin', 'key.rotated'],
        ['t-acme/admin', 'key.created'],
        ['t-acme/admin', 'principal.created'],
      ]);
      expect(rows[2]!.detail).toMatchObject({ replaced: made.id, tenant: 't-acme' });
      expect(rows[1]!.detail).toMatchObject({ key: made.id, tenant: 't-acme', principal: 'traced' });
    });

    it('tells reads across tenants, one row an hour for each route and tenant, and no read of an own tenant', async () => {
      const reads = async (): Promise<unknown[]> =>
        (await ask('GET', '/api/audit?action=tenants.read&limit=1000', root()))
          .json()
          .data.map(({ actor, detail }: { actor: string; detail: object }) => ({ actor, ...detail }));
      system.clock.advance(24 * HOUR);
      const before = (await reads()).length;
      for (let i = 0; i < 3; i += 1) {
        await ask('GET', '/api/usage', root());
        await ask('GET', '/api/queues?tenant=acme', root());
        await ask('GET', '/api/usage', of('t-acme', 'admin'));
      }
      const expected = [
        { actor: 'superadmin/superadmin', what: 'GET /api/queues', tenant: 't-acme' },
        { actor: 'superadmin/superadmin', what: 'GET /api/usage' },
      ];
      const all = await reads();
      expect(all).toHaveLength(before + 2);
      expect(all.slice(0, 2)).toEqual(expected);
      system.clock.advance(HOUR);
      await ask('GET', '/api/usage', root());
      expect(await reads()).toHaveLength(before + 3);
    });

    it('is a table, too', async () => {
      const csv = (await ask('GET', '/api/audit?limit=1&format=csv', root())).body;
      expect(csv).toMatch(/^id,at,actor,action,detail\r\n\d+,2026-.*,superadmin\/superadmin,[\w.]+,"{""/);
    });
  });

  it('lists tenants as CSV and in pages', async () => {
    const whole = (await ask('GET', '/api/tenants?limit=1000', root())).json().data;
    const { data, next } = (await ask('GET', '/api/tenants?limit=1', root())).json();
    const rest = (await ask('GET', `/api/tenants?limit=1000&cursor=${next}`, root())).json();
    expect([...data, ...rest.data]).toEqual(whole);
    const csv = (await ask('GET', '/api/tenants?format=csv', of('t-acme', 'admin'))).body;
    expect(csv).toBe(`id,name,created,origin\r\nt-acme,acme,${new Date(NOW).toISOString()},admin\r\n`);
  });
});

/** The rule, as docs/api/http.md states it. */
function creation(caller: Caller, tenant: string, role: Role): number {
  const platform = caller.role === 'superadmin';
  if (!platform && (caller.role !== 'admin' || caller.tenant === 'superadmin')) return 403;
  if (!platform && role === 'superadmin') return 403;
  if (tenant === 'nobody' || (!platform && tenant !== caller.tenant)) return 404;
  return role === 'superadmin' && tenant !== 'superadmin' ? 422 : 201;
}
