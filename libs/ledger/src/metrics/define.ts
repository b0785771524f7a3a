import { bucketsOf, type ConfiguredBuckets } from './buckets.js';
import { type EntityFamily, type FamilyInfo, type MetricType, type OperationalFamily } from './types.js';

/** What a definition of a family says; the rest follows. */
type Definition = Omit<FamilyInfo, 'type'> & {
  readonly type?: MetricType;
  readonly stored?: string;
  readonly of: EntityFamily['of'];
};

type Distribution = Definition & { readonly buckets: readonly number[]; readonly scale?: number };

/** A family of gauges or counters: each series an integer. */
export function values(
  definition: Definition &
    Pick<EntityFamily, 'openLabels' | 'shown' | 'shownBy'> & { readonly scale?: number },
): EntityFamily {
  return total(definition, { form: 'value', type: 'gauge' });
}

/** Gauges that are shown even where they are 0, as long as the entity exists. */
export function present(definition: Definition): EntityFamily {
  return total(definition, { form: 'present', type: 'gauge' });
}

/** A distribution of what happened, which never shrinks (`histogram`), or of what exists (`gaugehistogram`). */
export function distribution(definition: Distribution): EntityFamily {
  return total(definition, { form: 'distribution', type: 'histogram', sums: true });
}

/** A distribution of what happened, over durations whose bounds are configured. */
export function configuredDistribution(
  definition: Definition,
  bounds: keyof ConfiguredBuckets,
): EntityFamily {
  const family = distribution({ ...definition, buckets: [], scale: 1_000 });
  // Asked for when they are needed: the catalogue is made before the configuration is read.
  return Object.defineProperty(family, 'buckets', { get: () => bucketsOf(bounds), enumerable: true });
}

/** Time that accrues while something is up, in ms, shown in seconds. */
export function accruing(definition: Definition & Pick<EntityFamily, 'shown' | 'shownBy'>): EntityFamily {
  return total(definition, { form: 'accruing', type: 'counter', scale: 1_000 });
}

/** Milliseconds per day: ages are distributed over days. */
const DAY_MS = 86_400_000;

/** The distribution of how long ago members were scored, in days, at the instant of the scrape. */
export function ages(definition: Distribution & { readonly sums?: boolean }): EntityFamily {
  return total(definition, { form: 'members', type: 'gaugehistogram', scale: DAY_MS });
}

/** How long ago the lowest member was scored, in seconds. */
export function oldest(definition: Definition): EntityFamily {
  return total(definition, { form: 'oldest', type: 'gauge', scale: 1_000 });
}

/** A family that does not come from entities. */
export function operational(
  info: Omit<OperationalFamily, 'source' | 'dialect' | 'tenantLabel' | 'audience'> &
    Partial<Pick<OperationalFamily, 'dialect' | 'tenantLabel' | 'audience'>>,
): OperationalFamily {
  return { dialect: 'quipu', tenantLabel: null, audience: 'platform', ...info, source: 'operational' };
}

function total(
  definition: Partial<EntityFamily> & Definition,
  defaults: Pick<EntityFamily, 'form' | 'type'> & Partial<EntityFamily>,
): EntityFamily {
  return {
    scale: 1,
    sums: false,
    stored: definition.name,
    ...defaults,
    ...definition,
    source: 'totals',
  };
}
