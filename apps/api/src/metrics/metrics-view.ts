import { type Scope, SUPERADMIN_TENANT } from '@quipu/access';

/** Whom a family without a tenant label is for, beside those who see the whole platform. */
export type Audience = 'tenant' | 'fleet' | 'platform';

/**
 * What one reader sees of the series. It is made from the reader's scope alone, and every series passes through it:
 * there is no other way from a total to a line.
 */
export interface MetricsView {
  /** Tells views apart whose expositions differ. */
  readonly key: string;
  /** Whether it shows what is of the platform itself: projections, processes. */
  readonly platform: boolean;
  /** Whether it shows series of every tenant. */
  readonly whole: boolean;
  /** Whether labels that name pools, stores, issuers and templates are blanked. */
  readonly blank: boolean;
  /** Whether a series of this tenant is seen in a family of this audience. */
  sees(tenant: string, audience: Audience): boolean;
  /** What stands in the tenant label of a series whose label is `label` and whose tenant is `tenant`. */
  shown(tenant: string, label: string): string;
}

/** Everything, tenants told apart: superadmins, the token, and the public where that is configured. */
export const PLATFORM_VIEW: MetricsView = {
  ...{ key: 'platform', platform: true, whole: true, blank: false },
  sees: () => true,
  shown: (_tenant, label) => label,
};

/** The view of a key. @throws for a single user's scope: metrics are counted per tenant. */
export function viewOf(scope: Scope): MetricsView {
  if (scope.kind === 'platform') return PLATFORM_VIEW;
  if (scope.kind === 'user' || scope.tenant === null) throw new Error('a user has no view of metrics');
  const own = scope.tenant;
  return {
    ...{ key: `tenant ${own}`, platform: false, whole: false, blank: false },
    sees: (tenant, audience) => tenant === own || (audience === 'fleet' && tenant === SUPERADMIN_TENANT),
    shown: (_tenant, label) => label,
  };
}

/** Everything, but tenants that are not public are one, without a name; names of what they use are blank. */
export function aggregateView(publicTenants: ReadonlySet<string>): MetricsView {
  return {
    ...{
      key: `aggregate ${JSON.stringify([...publicTenants].sort())}`,
      platform: false,
      whole: true,
      blank: true,
    },
    sees: () => true,
    shown: (tenant, label) => (publicTenants.has(tenant) ? label : ''),
  };
}
