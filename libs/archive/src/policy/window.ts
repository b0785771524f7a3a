import type { ArchivePolicy } from './archive-policy.js';
import { isRate } from './methods.js';

/** Buckets of a finer granularity could not be counted exactly in a double. */
export const MIN_GRANULARITY_NS = 10_000n;

/** The coarsest granularity: the size of a block, ns. */
export function blockNs(policy: ArchivePolicy): bigint {
  return policy.definition.reduce((most, d) => (d.granularityNs > most ? d.granularityNs : most), 0n);
}

/** How many blocks before that of the newest point take measures: one more where differences are aggregated. */
export function backBlocks(policy: ArchivePolicy): number {
  return policy.backWindow + (policy.aggregationMethods.some(isRate) ? 1 : 0);
}
