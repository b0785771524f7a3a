import { type Config } from '@quipu/platform';

/** restic-manager's ladder of durations, s. */
export const JOB_LADDER: readonly number[] = [1, 5, 30, 60, 300, 1_800, 3_600, 21_600, 86_400];
/** Debusine's ladder of activity, days. */
export const DAYS_LADDER: readonly number[] = [1, 3, 7, 14, 30, 90, 365];
/** Files of one artifact. */
export const FILE_COUNTS: readonly number[] = [1, 2, 5, 10, 50, 100, 1_000];
/** Bytes of one file: 1 KiB · 4^k. */
export const FILE_SIZES: readonly number[] = Array.from({ length: 12 }, (_, k) => 1_024 * 4 ** k);
/** Items of one collection. */
export const COLLECTION_SIZES: readonly number[] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];

/** Bounds of the distributions whose buckets may be configured, s. */
export interface ConfiguredBuckets {
  readonly wait: readonly number[];
  readonly run: readonly number[];
}

/** The bounds when nothing is configured. */
export const DEFAULT_BUCKETS: ConfiguredBuckets = {
  wait: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 1_800, 3_600],
  run: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 1_800, 3_600, 7_200, 21_600, 86_400],
};

let configured = DEFAULT_BUCKETS;
let used = false;

/** The bounds of this process. From now on they stand: sums made with others would be subtracted from what they are not. */
export function bucketsOf(name: keyof ConfiguredBuckets): readonly number[] {
  used = true;
  return configured[name];
}

/**
 * Sets the bounds of this process, before anything is folded or shown. Every process of a system must be told the
 * same: the bounds are part of the code hash, so a projector refuses tables that were made with others until they are
 * summed again.
 * @throws Error if bounds were used already.
 */
export function configureBuckets(config: Pick<Config, 'jobWaitBuckets' | 'jobRunBuckets'>): void {
  const { jobWaitBuckets: wait = DEFAULT_BUCKETS.wait, jobRunBuckets: run = DEFAULT_BUCKETS.run } = config;
  const next = { wait, run };
  if (String([next.wait, next.run]) === String([configured.wait, configured.run])) return;
  if (used) throw new Error('Buckets were used before they were configured.');
  configured = next;
}
