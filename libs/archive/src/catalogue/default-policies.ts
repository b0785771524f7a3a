import { type ArchivePolicy, type ArchivePolicyItem, DEFAULT_METHODS } from '../policy/archive-policy.js';

const SECOND = 1_000_000_000n;
const MINUTE = 60n * SECOND;
const HOUR = 60n * MINUTE;
const DAY = 24n * HOUR;

function kept(granularityNs: bigint, forNs: bigint): ArchivePolicyItem {
  return { granularityNs, points: Number(forNs / granularityNs), timespanNs: forNs };
}

/** The policies of a fresh archive. */
export const DEFAULT_POLICIES: readonly ArchivePolicy[] = [
  {
    name: 'bool',
    backWindow: 3600,
    definition: [kept(SECOND, 365n * DAY)],
    aggregationMethods: ['last'],
  },
  {
    name: 'low',
    backWindow: 0,
    definition: [kept(5n * MINUTE, 30n * DAY)],
    aggregationMethods: DEFAULT_METHODS,
  },
  {
    name: 'medium',
    backWindow: 0,
    definition: [kept(MINUTE, 7n * DAY), kept(HOUR, 365n * DAY)],
    aggregationMethods: DEFAULT_METHODS,
  },
  {
    name: 'high',
    backWindow: 0,
    definition: [kept(SECOND, HOUR), kept(MINUTE, 7n * DAY), kept(HOUR, 365n * DAY)],
    aggregationMethods: DEFAULT_METHODS,
  },
];

/** The rule of a fresh archive: a metric that names no policy gets this one. */
export const DEFAULT_RULE = { name: 'default', pattern: '*', policy: 'low' } as const;
