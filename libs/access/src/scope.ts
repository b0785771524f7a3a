import { SUPERADMIN_TENANT, isSuperadmin, type Principal } from './principal.js';

/** How far a scope reaches. */
export type ScopeKind = 'platform' | 'tenant' | 'user';

const SEAL: unique symbol = Symbol('scope');

let make: (kind: ScopeKind, tenant: string | null, user: string | null) => Scope;

/**
 * What a caller may see, as a value that no query can widen: it has no public constructor, it is frozen,
 * and `scopeOf` alone makes one. Every read-model query takes a Scope first, so a query without one does
 * not compile, and a structurally similar object is not a Scope (the private field makes it nominal).
 */
export class Scope {
  readonly #sealed = true;

  private constructor(
    seal: typeof SEAL,
    readonly kind: ScopeKind,
    /** The one tenant seen; null for the platform. */
    readonly tenant: string | null,
    /** The one user seen; null unless `kind` is `user`. */
    readonly user: string | null,
  ) {
    if (seal !== SEAL) throw new TypeError('Only scopeOf makes a Scope.');
    Object.freeze(this);
  }

  static {
    make = (kind, tenant, user) => new Scope(SEAL, kind, tenant, user);
  }

  /** True if everything of `tenant` may be seen. */
  coversTenant(tenant: string): boolean {
    return this.#sealed && (this.kind === 'platform' || (this.kind === 'tenant' && this.tenant === tenant));
  }

  /** How the scope is written in logs: `platform`, `tenant acme` or `user acme/ann`. */
  toString(): string {
    if (this.kind === 'platform') return 'platform';
    return this.kind === 'tenant' ? `tenant ${this.tenant}` : `user ${this.tenant}/${this.user}`;
  }
}

/**
 * The scope of a principal: the one place where a role becomes a right to read. Null for roles that read
 * nothing (reporters). A principal that claims `superadmin` in another tenant gets that tenant only.
 */
export function scopeOf(principal: Principal): Scope | null {
  switch (principal.role) {
    case 'superadmin':
      return isSuperadmin(principal)
        ? make('platform', null, null)
        : make('tenant', principal.tenantId, null);
    case 'admin':
      return make('tenant', principal.tenantId, null);
    case 'scraper':
      return principal.tenantId === SUPERADMIN_TENANT
        ? make('platform', null, null)
        : make('tenant', principal.tenantId, null);
    case 'user':
      return make('user', principal.tenantId, principal.name);
    case 'reporter':
      return null;
  }
}
