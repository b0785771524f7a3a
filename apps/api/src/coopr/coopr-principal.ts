import { type KeyStore, type Principal } from '@quipu/access';
import { isStorable } from '../answers/storable-text.js';

/** A caller, or the body of the 401. */
export type CooprCaller =
  { readonly ok: true; readonly principal: Principal } | { readonly ok: false; readonly body: string };

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** The one body for unknown tenant, unknown user and wrong key: which it was, a caller must not learn. */
const REFUSED = 'Coopr-UserID, Coopr-ApiKey and Coopr-TenantID do not belong together.';

/** Who asks, by the dialect's three headers; the key must be that user's in that tenant. */
export async function cooprCaller(keys: KeyStore, headers: Headers): Promise<CooprCaller> {
  const user = first(headers['coopr-userid']);
  if (user === undefined) return { ok: false, body: 'Coopr-UserID not found in request headers.' };
  const tenant = first(headers['coopr-tenantid']);
  if (tenant === undefined) return { ok: false, body: 'Coopr-TenantID not found in request headers.' };
  const secret = first(headers['coopr-apikey']) ?? '';
  if (![user, tenant, secret].every(isStorable)) return { ok: false, body: REFUSED };
  const principal = await keys.authenticate({ tenant, user, secret });
  return principal === null ? { ok: false, body: REFUSED } : { ok: true, principal };
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
