import type { KeyStore, Principal, Scope, TenantDirectory } from '@quipu/access';
import { scopeOf } from '@quipu/access';
import { bearerSecret } from '../auth/bearer-secret.js';
import { aggregateView, type MetricsView, PLATFORM_VIEW, viewOf } from '../metrics/metrics-view.js';

/** Whoever asks, and what it sees; or the status and the sentence it is refused with. */
export type DebusineCaller =
  | {
      readonly ok: true;
      readonly view: MetricsView;
      readonly by: { principal: Principal; scope: Scope } | null;
    }
  | { readonly ok: false; readonly status: 401 | 403; readonly detail: string };

/** What decides it. */
export interface DebusineCallerOptions {
  readonly keys: Pick<KeyStore, 'authenticateSecret'>;
  readonly tenants: Pick<TenantDirectory, 'publicIds'>;
  readonly publicMetrics: 'aggregate' | 'full' | 'off';
}

const SCRAPERS: ReadonlySet<string> = new Set(['scraper', 'admin', 'superadmin']);

/**
 * Who asks a Debusine path. The original asks nobody; here the public sees what `QUIPU_PUBLIC_METRICS` says, and a key
 * its scope. A key that is not valid is refused even where the public is served: its holder means to be somebody.
 */
export async function debusineCaller(
  authorization: string | undefined,
  { keys, tenants, publicMetrics }: DebusineCallerOptions,
): Promise<DebusineCaller> {
  if (authorization !== undefined) {
    const secret = bearerSecret(authorization);
    const principal = secret === null ? null : await keys.authenticateSecret(secret);
    if (principal === null) return { ok: false, status: 401, detail: 'Invalid token.' };
    const scope = SCRAPERS.has(principal.role) ? scopeOf(principal) : null;
    if (scope === null) {
      return { ok: false, status: 403, detail: 'You do not have permission to perform this action.' };
    }
    return { ok: true, view: viewOf(scope), by: { principal, scope } };
  }
  switch (publicMetrics) {
    case 'off':
      return { ok: false, status: 401, detail: 'Authentication credentials were not provided.' };
    case 'full':
      return { ok: true, view: PLATFORM_VIEW, by: null };
    case 'aggregate':
      return { ok: true, view: aggregateView(await tenants.publicIds()), by: null };
  }
}
