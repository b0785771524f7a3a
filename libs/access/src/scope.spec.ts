import type { Principal, Role } from './principal.js';
import { Scope, scopeOf } from './scope.js';

const principal = (tenantId: string, role: Role): Principal => ({
  tenantId,
  tenantName: tenantId,
  name: 'ann',
  role,
  sourcePrefix: null,
});
const shown = (tenantId: string, role: Role) => scopeOf(principal(tenantId, role))?.toString() ?? 'nothing';

describe('scopeOf', () => {
  it.each([
    ['superadmin', 'superadmin', 'platform'],
    ['superadmin', 'admin', 'tenant superadmin'],
    ['superadmin', 'scraper', 'platform'],
    ['superadmin', 'user', 'user superadmin/ann'],
    ['superadmin', 'reporter', 'nothing'],
    ['acme', 'superadmin', 'tenant acme'],
    ['acme', 'admin', 'tenant acme'],
    ['acme', 'scraper', 'tenant acme'],
    ['acme', 'user', 'user acme/ann'],
    ['acme', 'reporter', 'nothing'],
  ] as const)('in tenant %s a %s sees: %s', (tenant, role, expected) => {
    expect(shown(tenant, role)).toBe(expected);
  });

  it('makes values that nobody can change or make otherwise', () => {
    const scope = scopeOf(principal('acme', 'admin'))!;
    expect(Object.isFrozen(scope)).toBe(true);
    expect(() => Object.assign(scope, { tenant: null, kind: 'platform' })).toThrow(TypeError);
    // @ts-expect-error the constructor is private
    expect(() => new Scope('platform', null, null) as unknown).toThrow(TypeError);
    // @ts-expect-error a look-alike is not a Scope
    const lookAlike: Scope = { kind: 'platform', tenant: null, user: null };
    expect(lookAlike).not.toBeInstanceOf(Scope);
  });

  it('covers a tenant only as a whole', () => {
    expect(scopeOf(principal('acme', 'admin'))!.coversTenant('acme')).toBe(true);
    expect(scopeOf(principal('acme', 'admin'))!.coversTenant('beta')).toBe(false);
    expect(scopeOf(principal('acme', 'user'))!.coversTenant('acme')).toBe(false);
    expect(scopeOf(principal('superadmin', 'superadmin'))!.coversTenant('beta')).toBe(true);
  });
});
