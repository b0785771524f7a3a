import { equalConstantTime, type Principal, scopeOf } from '@quipu/access';
import { idPart } from '@quipu/read-models';
import { isStorable } from '../answers/storable-text.js';
import { bearerSecret } from '../auth/bearer-secret.js';
import type { RememberedKeys } from './remembered-keys.js';

/** What a caller sees of a generation: all of it, or what is about one id. */
export type Sight = 'everything' | { readonly id: string };

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

/**
 * What a principal sees: everything if the platform is its to read, else the totals of its tenant, whatever its role is.
 * They say how much there is and nothing of whose it is within the tenant, so users and reporters may have them, too.
 */
export function sightOf(principal: Principal): Sight {
  if (scopeOf(principal)?.kind === 'platform') return 'everything';
  return { id: `tenant/${idPart(principal.tenantId)}` };
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
