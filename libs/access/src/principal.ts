import { PLATFORM_TENANT } from '@quipu/contracts';

/** The tenant whose superadmins see the whole platform, and that owns what belongs to no other tenant. */
export const SUPERADMIN_TENANT = PLATFORM_TENANT;

/**
 * What a principal may do. `superadmin` exists only in tenant `superadmin` and sees every tenant; `admin`
 * sees its own tenant, `user` its own jobs; `reporter` may only send events; `scraper` may only read
 * metrics, of its tenant, or of all tenants when it belongs to tenant `superadmin`.
 */
export type Role = 'superadmin' | 'admin' | 'user' | 'reporter' | 'scraper';

/** Every role, most powerful first. */
export const ROLES: readonly Role[] = ['superadmin', 'admin', 'user', 'reporter', 'scraper'];

/** True if `text` names a role. */
export function isRole(text: string): text is Role {
  return (ROLES as readonly string[]).includes(text);
}

/** Someone or something that holds keys. `tenantId` and `name` together identify it. */
export interface Principal {
  readonly tenantId: string;
  readonly tenantName: string;
  readonly name: string;
  readonly role: Role;
  /** A reporter bound to event sources that begin with this; null if it is not bound. */
  readonly sourcePrefix: string | null;
}

/** True for the principals that see every tenant and administer the platform. */
export function isSuperadmin(principal: Principal): boolean {
  return principal.role === 'superadmin' && principal.tenantId === SUPERADMIN_TENANT;
}

/** How a principal is written in logs and in the audit: `<tenant>/<name>`. */
export function actorOf(principal: Principal): string {
  return `${principal.tenantId}/${principal.name}`;
}
