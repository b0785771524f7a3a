import type { Scope } from '@quipu/access';
import { TenantForbiddenError } from '@quipu/platform';

/** The two filters that a scope decides about. */
export interface OwnerFilters {
  tenant?: string;
  user?: string;
}

/**
 * The filters with the scope's own added, so that what is read lies inside the scope.
 * @throws TenantForbiddenError if a filter names a tenant or user outside the scope.
 */
export function withinScope<F extends OwnerFilters>(scope: Scope, filters: F): F {
  if (scope.tenant === null) return filters;
  if (filters.tenant !== undefined && filters.tenant !== scope.tenant) {
    throw new TenantForbiddenError(`Tenant "${filters.tenant}" lies outside the scope: ${scope.toString()}.`);
  }
  if (scope.user === null) return { ...filters, tenant: scope.tenant };
  if (filters.user !== undefined && filters.user !== scope.user) {
    throw new TenantForbiddenError(`User "${filters.user}" lies outside the scope: ${scope.toString()}.`);
  }
  return { ...filters, tenant: scope.tenant, user: scope.user };
}
