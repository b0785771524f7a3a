/** What an ingest did since it started. */
export interface IngestCounters {
  /** Jobs acknowledged. */
  jobs: number;
  /** Events that were well-formed and of a known tenant. */
  accepted: number;
  /** Of those: new in the log. */
  appended: number;
  /** Of those: in the log before. */
  duplicates: number;
  /** Events that became dead letters, for whatever reason. */
  deadLetters: number;
  /** Of those: sent again with another body. */
  conflicts: number;
  /** Group commits. */
  commits: number;
  /** Times the log became unavailable. */
  outages: number;
  /** Jobs given back to the queue because of that. */
  returned: number;
  /** Failed jobs put back into the queue. */
  swept: number;
}

/** Counters at zero. */
export function noCounts(): IngestCounters {
  return {
    jobs: 0,
    accepted: 0,
    appended: 0,
    duplicates: 0,
    deadLetters: 0,
    conflicts: 0,
    commits: 0,
    outages: 0,
    returned: 0,
    swept: 0,
  };
}
