/** One resolution of a policy: buckets of `granularityNs`, and how many of them are kept. */
export interface ArchivePolicyItem {
  /** Width of a bucket, ns. */
  readonly granularityNs: bigint;
  /** Buckets that are kept; null: all. */
  readonly points: number | null;
  /** `granularityNs · points`, ns; null: without end. */
  readonly timespanNs: bigint | null;
}

/** What is kept of the measures of a metric. */
export interface ArchivePolicy {
  readonly name: string;
  /** Blocks of the coarsest granularity before the newest measure's in which late measures still count. */
  readonly backWindow: number;
  /** The resolutions, in the order in which they were given. */
  readonly definition: readonly ArchivePolicyItem[];
  /** Members of {@link AGGREGATION_METHODS}, without repetition. */
  readonly aggregationMethods: readonly string[];
}

const PLAIN = ['mean', 'sum', 'last', 'max', 'min', 'std', 'median', 'first', 'count'];
const PERCENTILES = Array.from({ length: 99 }, (_, i) => `${i + 1}pct`);

/** Every method a policy may have: the plain ones, percentiles, and each of them over rates of change. */
export const AGGREGATION_METHODS: readonly string[] = [...PLAIN, ...PERCENTILES].flatMap((method) => [
  method,
  `rate:${method}`,
]);

/** The methods of a policy that names none. */
export const DEFAULT_METHODS: readonly string[] = ['mean', 'min', 'max', 'sum', 'std', 'count'];
