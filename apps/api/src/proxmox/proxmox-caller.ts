import { equalConstantTime, type Principal, scopeOf } from '@quipu/access';
import { idPart } from '@quipu/read-models';
import { isStorable } from '../answers/storable-text.js';
import { bearerSecret } from '../auth/bearer-secret.js';
import type { RememberedKeys } from './remembered-keys.js';

/** What a caller sees of a generation: all of it, what is about one id, or nothing. */
export type Sight = 'everything' | 'nothing' | { readonly id: string };

const TOKEN = /^PBSAPIToken[= ]([^:]{1,2048}):([^\s]{1,512})\s*$/;
const REALM = '@quipu!';

/**
 * Who asks: `PBSAPIToken=<user>@quipu!<tenant>:<key>`, which must belong together, or `Bearer <key>`. Null for nobody.
 * @throws if keys cannot be looked up.
 */
export async function proxmoxCaller(
  authorization: string | undefined,
  keys: Pick<RememberedKeys, 'holderOf'>,
): Promise<Principal | null> {
  if (authorization === undefined) return null;
  const bearer = bearerSecret(authorization);
  if (bearer !== null) return keys.holderOf(bearer);
  const [, id = '', secret = ''] = TOKEN.exec(authorization) ?? [];
  const realm = id.lastIndexOf(REALM);
  if (realm < 0) return null;
  const user = decoded(id.slice(0, realm));
  const tenant = decoded(id.slice(realm + REALM.length));
  const key = decoded(secret);
  if (![user, tenant, key].every(isStorable)) return null;
  const principal = await keys.holderOf(key);
  if (principal === null) return null;
  const [sameUser, sameTenant] = [
    equalConstantTime(principal.name, user),
    equalConstantTime(principal.tenantName, tenant),
  ];
  return sameUser && sameTenant ? principal : null;
}

/** What a principal sees: its scope, where that is a tenant or the platform. Points are not told apart by user. */
export function sightOf(principal: Principal): Sight {
  const scope = scopeOf(principal);
  if (scope?.kind === 'platform') return 'everything';
  if (scope?.kind !== 'tenant' || scope.tenant === null) return 'nothing';
  return { id: `tenant/${idPart(scope.tenant)}` };
}

/** Text of a header: Node reads bytes as Latin-1, clients write UTF-8, and percent-encode what a header cannot hold. */
function decoded(text: string): string {
  const bytes = Buffer.from(text, 'latin1').toString('utf8');
  const read = bytes.includes('\uFFFD') ? text : bytes;
  try {
    return decodeURIComponent(read);
  } catch {
    return read;
  }
}
