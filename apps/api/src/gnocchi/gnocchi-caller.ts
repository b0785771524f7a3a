import { type KeyStore, type Principal, type Scope, scopeOf, SUPERADMIN_TENANT } from '@quipu/access';
import { GnocchiError } from './forms/gnocchi-error.js';

/** Who asks, and what exists for it. */
export interface GnocchiCaller {
  readonly principal: Principal;
  readonly scope: Scope;
  /** Administers policies and rules, and reads the status: the platform's superadmins. */
  readonly isAdmin: boolean;
}

/** How callers are known: by their key, or, on loopback only, by the name they give. */
export type GnocchiAuth = 'key' | 'trust';

/**
 * Who asks, by HTTP basic: the user is the principal's name, the password its key. Two tenants may have principals of one
 * name: the key says whose it is. Where names are trusted, everybody belongs to tenant superadmin, and `admin` is the
 * admin.
 * @throws GnocchiError 401: no such credentials, whatever was wrong; 403: a role that neither writes nor reads measures.
 */
export async function gnocchiCaller(
  keys: KeyStore,
  auth: GnocchiAuth,
  authorization: string | undefined,
): Promise<GnocchiCaller> {
  const credentials = basicPair(authorization);
  if (credentials === null) throw new GnocchiError(401, '');
  const principal = auth === 'trust' ? trusted(credentials.user) : await keyHolder(keys, credentials);
  if (principal === null) throw new GnocchiError(401, '');
  const scope = scopeOf(principal);
  if (scope === null || principal.role === 'scraper') throw new GnocchiError(403, '');
  return { principal, scope, isAdmin: scope.kind === 'platform' };
}

/** Refuses everybody but admins. @throws GnocchiError (403) */
export function needAdmin({ isAdmin }: GnocchiCaller): void {
  if (!isAdmin) throw new GnocchiError(403, '');
}

async function keyHolder(
  keys: KeyStore,
  { user, password }: { user: string; password: string },
): Promise<Principal | null> {
  // The original's client sends no password: a user called `name:key` reaches us as `name:key:`.
  const passwords = password.endsWith(':') ? [password.slice(0, -1), password] : [password];
  for (const secret of passwords) {
    const principal = await keys.authenticateSecret(secret);
    if (principal?.name === user) return principal;
  }
  return null;
}

function trusted(name: string): Principal {
  return {
    tenantId: SUPERADMIN_TENANT,
    tenantName: SUPERADMIN_TENANT,
    name,
    role: name === 'admin' ? 'superadmin' : 'user',
    sourcePrefix: null,
  };
}

/** User and password of an `Authorization: Basic` header; null if there are none. */
function basicPair(header: string | undefined): { user: string; password: string } | null {
  const match = /^basic +([a-z0-9+/]{1,4096}={0,2}) *$/i.exec(header ?? '');
  if (match === null) return null;
  const text = Buffer.from(match[1]!, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon <= 0 || text.includes('\0') || text.includes('\uFFFD')) return null;
  const user = text.slice(0, colon);
  return [...user].length > 255 ? null : { user, password: text.slice(colon + 1) };
}
