export { equalConstantTime, generateSecret, hashSecret } from './api-key.js';
export { AuditTrail, recordAudit, type AuditEntry, type AuditListing, type AuditRecord } from './audit.js';
export { bootstrapSuperadmin, PRESET_KEY_LABEL, SUPERADMIN_NAME } from './bootstrap-superadmin.js';
export {
  InvalidPrincipalError,
  KeyNotRotatableError,
  PrincipalExistsError,
  TenantExistsError,
  UnknownPrincipalError,
} from './errors.js';
export {
  KeyAdministration,
  type IssuedKey,
  type KeyListing,
  type KeyRequest,
  type RotatedKey,
} from './key-administration.js';
export { type KeyRecord } from './key-record.js';
export { KeyStore, type CreatedKey, type Credentials, type KeyInfo } from './key-store.js';
export {
  actorOf,
  isRole,
  isSuperadmin,
  ROLES,
  SUPERADMIN_TENANT,
  type Principal,
  type Role,
} from './principal.js';
export { Principals, type NewPrincipal } from './principals.js';
export { Scope, scopeOf, type ScopeKind } from './scope.js';
export { TenantDirectory, type EnsuredTenants, type Tenant } from './tenant-directory.js';

import { AccessTables1763600000100 } from './migrations/access-tables.js';
import { KeyLifetime1764700000100 } from './migrations/key-lifetime.js';
import { TenantPublic1763900000100 } from './migrations/tenant-public.js';

/** The migrations of this library, in order. */
export const accessMigrations = [
  AccessTables1763600000100,
  TenantPublic1763900000100,
  KeyLifetime1764700000100,
];
