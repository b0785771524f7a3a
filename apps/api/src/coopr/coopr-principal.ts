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
  const user = headerText(headers['coopr-userid']);
  if (user === undefined) return { ok: false, body: 'Coopr-UserID not found in request headers.' };
  const tenant = headerText(headers['coopr-tenantid']);
  if (tenant === undefined) return { ok: false, body: 'Coopr-TenantID not found in request headers.' };
  const secret = headerText(headers['coopr-apikey']) ?? '';
  if (![user, tenant, secret].every(isStorable)) return { ok: false, body: REFUSED };
  const principal = await keys.authenticate({ tenant, user, secret });
  return principal === null ? { ok: false, body: REFUSED } : { ok: true, principal };
}

/** A header's text. Node reads headers as Latin-1, clients write names as UTF-8: bytes that are UTF-8 are read so. */
function headerText(value: string | string[] | undefined): string | undefined {
  const text = Array.isArray(value) ? value[0] : value;
  if (text === undefined) return undefined;
  const decoded = Buffer.from(text, 'latin1').toString('utf8');
  return decoded.includes('\uFFFD') ? text : decoded;
}
