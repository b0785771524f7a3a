import { isSuperadmin, type Principal, type Role, SUPERADMIN_TENANT } from '@quipu/access';
import { ProblemException } from '../answers/problem.exception.js';

/**
 * The tenant whose keys a caller administers; null for superadmins, who administer all.
 * @throws ProblemException (403) for admins of tenant superadmin: its keys include superadmins', and its scrapers read
 * every tenant, so whoever made them could make itself more than it is.
 */
export function administeredTenant(principal: Principal): string | null {
  if (isSuperadmin(principal)) return null;
  if (principal.tenantId !== SUPERADMIN_TENANT) return principal.tenantId;
  throw new ProblemException(403, `Keys of tenant ${SUPERADMIN_TENANT} are administered by superadmins.`);
}

/**
 * Checks that the caller may hand out a role.
 * @throws ProblemException (403) if it is superadmin and the caller is none.
 */
export function checkRole(principal: Principal, role: Role | undefined): void {
  if (role !== 'superadmin' || isSuperadmin(principal)) return;
  throw new ProblemException(403, 'Only superadmins make superadmins.');
}
