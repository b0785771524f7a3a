/** What a consumer of measures did since it started. */
export interface MeasuresCounters {
  /** Jobs acknowledged. */
  jobs: number;
  /** Jobs that had taken effect before. */
  duplicates: number;
  /** Jobs that were none of ours, and were thrown away. */
  unreadable: number;
  /** Measures aggregated. */
  taken: number;
  /** Measures that were older than their metric takes. */
  late: number;
  /** Measures of metrics that are gone. */
  orphaned: number;
  /** Measures put aside, since somebody else had their metric. */
  deferred: number;
  /** Measures dropped, since too much of their metric was put aside. */
  dropped: number;
  /** Passes over a metric that failed. */
  failed: number;
  /** Group commits. */
  commits: number;
  /** Times the archive became unavailable. */
  outages: number;
  /** Jobs given back to the queue because of that. */
  returned: number;
}

/** Counters at zero. */
export function noMeasures(): MeasuresCounters {
  return {
    ...{ jobs: 0, duplicates: 0, unreadable: 0, taken: 0, late: 0 },
    ...{ orphaned: 0, deferred: 0, dropped: 0, failed: 0, commits: 0, outages: 0, returned: 0 },
  };
}
