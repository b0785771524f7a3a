import type { ReporterConnection } from '../connection.js';
import type { Reporter } from '../reporter.js';
import type { JobView } from './bull.js';

/** A value for all jobs, or a function of the job: of its name, data and options. */
export type PerJob<T> = T | { of(job: JobView): T }['of'];

/** What a worker is, as the fleet's numbers show it. */
export interface WorkerDescription {
  /**
   * Its name in the ledger, unique among all workers and the same after a restart. Absent: made of host, queue and
   * process id, and then retired when the worker closes, since no later process takes it up again.
   */
  readonly id?: string;
  /** Tenant it belongs to; the platform's if absent. */
  readonly tenant?: string;
  /** Kind of worker; `external` if absent. */
  readonly type?: string;
  readonly pool?: string;
  /** Host it runs on; the host name if absent. */
  readonly host?: string;
  /** Architecture of the host, in Debian's words; that of this process if absent. */
  readonly hostArchitecture?: string;
  /** Architectures it can work for; that of its host if absent. */
  readonly architectures?: readonly string[];
}

/** What a queue, worker or flow producer reports. */
export interface InstrumentOptions {
  /** Whose jobs they are. */
  readonly tenant: PerJob<string>;
  /** User a job belongs to. */
  readonly user?: PerJob<string | undefined>;
  /** Nodes a job holds while it runs; 1 if absent. */
  readonly nodes?: PerJob<number>;
  /** Further labels of a job. */
  readonly labels?: PerJob<Readonly<Record<string, string>> | undefined>;
  /** Cluster a job runs on, and its template. */
  readonly cluster?: PerJob<string | undefined>;
  readonly clusterTemplate?: PerJob<string | undefined>;
  /** Kind of program that runs a job. */
  readonly taskType?: PerJob<string | undefined>;
  /** What the ledger calls the queue; its name if absent. */
  readonly queue?: string;
  /** Reports what happens; its life is the program's business. Absent: one of its own, shared, closed with the last user. */
  readonly reporter?: Reporter;
  /** Where the queue of events is, if no reporter is given; where the jobs' queue is, if absent. */
  readonly connection?: ReporterConnection;
  /** What the worker is; false: it reports its jobs, and is itself no part of the fleet. */
  readonly worker?: WorkerDescription | false;
  /** Progress of one job is reported at most so often, ms; 1,000 if absent. */
  readonly progressMs?: number;
  /**
   * Seconds without a heartbeat after which a worker counts as lost; QUIPU_WORKER_LEASE_SECONDS, else 60, if absent, 0
   * or no time.
   */
  readonly leaseSeconds?: number;
  /** Whether to report that workers leave when a signal ends the process; true if absent. */
  readonly signals?: boolean;
  /** Told what goes wrong while reporting: it never reaches the program's jobs. */
  readonly onError?: (error: Error) => void;
}
