import { type Scope, type Tenant, type TenantDirectory } from '@quipu/access';
import { ProblemException } from './problem.exception.js';
import { quoted } from './storable-text.js';

/**
 * The tenant that a parameter names, by id, else by name, if the scope lies inside it or holds it.
 * @throws ProblemException (404), the same for a tenant that does not exist and for one that the caller may not see.
 */
export async function findTenant(directory: TenantDirectory, scope: Scope, text: string): Promise<Tenant> {
  const tenant = await directory.findByIdThenName(text);
  if (tenant !== null && (scope.tenant === null || scope.tenant === tenant.id)) return tenant;
  throw noTenant(text);
}

/** The 404 for a tenant that the caller cannot name. */
export function noTenant(text: string): ProblemException {
  return new ProblemException(404, `There is no tenant ${quoted(text)}.`, {
    hint: 'GET /api/tenants lists those you may name.',
  });
}
