import { type Scope, scopeOf, SUPERADMIN_NAME, SUPERADMIN_TENANT } from '@quipu/access';

/**
 * The scope of the local command line: whoever can read the data directory, or knows the database's URL, is
 * its superadmin.
 */
export function localScope(): Scope {
  const scope = scopeOf({
    tenantId: SUPERADMIN_TENANT,
    tenantName: SUPERADMIN_TENANT,
    name: SUPERADMIN_NAME,
    role: 'superadmin',
    sourcePrefix: null,
  });
  if (scope === null) throw new Error('A superadmin must have a scope.');
  return scope;
}

/** Who did it, in the audit. */
export const LOCAL_ACTOR = 'cli';
