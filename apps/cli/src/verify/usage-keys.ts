import { sha256, uuidOf } from './canonical.js';
import type { Dimensions } from './naive/contributions.js';

/** 0: the whole tuple, 1: without cluster, 2: the tenant alone, 3: the platform. */
export type Grain = 0 | 1 | 2 | 3;

/** A usage key: what a level sum is summed under. */
export interface UsageKey {
  readonly keyId: string;
  readonly grain: Grain;
  readonly tenant: string | null;
  readonly user: string | null;
  readonly queue: string | null;
  readonly cluster: string | null;
  readonly template: string | null;
  readonly provider: string | null;
  readonly hardware: string | null;
  readonly image: string | null;
  readonly services: readonly string[];
}

const NOTHING = {
  tenant: null,
  user: null,
  queue: null,
  cluster: null,
  template: null,
  provider: null,
  hardware: null,
  image: null,
  services: [],
} as const;

/** The four usage keys of a tuple of dimensions, by grain. */
export function usageKeysOf(dims: Dimensions): [UsageKey, UsageKey, UsageKey, UsageKey] {
  return [
    usageKey({ grain: 0, ...dims }),
    usageKey({ grain: 1, ...dims, cluster: null }),
    usageKey({ grain: 2, ...NOTHING, tenant: dims.tenant }),
    usageKey({ grain: 3, ...NOTHING }),
  ];
}

function usageKey(key: Omit<UsageKey, 'keyId'>): UsageKey {
  const { grain, tenant, user, queue, cluster, template, provider, hardware, image, services } = key;
  const tuple = [grain, tenant, user, queue, cluster, template, provider, hardware, image, services];
  return { keyId: uuidOf(sha256(JSON.stringify(tuple))), ...key };
}
