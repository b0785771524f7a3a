/**
 * What is needed of BullMQ's objects, in the words of versions 5 and 6 alike. BullMQ's own types would tie a program
 * to the copy this library was compiled against.
 */

/** A job, as a program may look at it to say whose it is. */
export interface JobView<Data = unknown> {
  readonly id?: string | undefined;
  readonly name: string;
  readonly data: Data;
  readonly opts: object;
}

/** Options of a job that matter here. */
export interface BullJobOptions {
  readonly attempts?: number;
  readonly delay?: number;
  readonly jobId?: string;
  readonly repeat?: unknown;
  readonly deduplication?: unknown;
  readonly debounce?: unknown;
  /** Our own mark: whoever enqueued the job reported it. */
  readonly quipu?: number;
}

/** A job, as BullMQ hands it to events. */
export interface BullJob extends JobView {
  readonly opts: BullJobOptions;
  readonly queueName: string;
  readonly prefix: string;
  /** When it was enqueued, ms. */
  readonly timestamp: number;
  readonly processedOn?: number | null;
  readonly finishedOn?: number | null;
  readonly attemptsMade: number;
  /** How many times it was started, this time included. */
  readonly attemptsStarted?: number;
  readonly stalledCounter?: number;
  readonly delay?: number;
  readonly priority?: number;
  readonly repeatJobKey?: string;
  readonly parent?: { readonly id: string; readonly queueKey: string };
  getState(): Promise<string>;
}

/** A job and its children, as a flow returns them. */
export interface BullFlowJob {
  readonly job: BullJob;
  readonly children?: readonly BullFlowJob[];
}

/** What a flow is made from. */
export interface BullFlow {
  readonly opts?: BullJobOptions;
  readonly children?: readonly BullFlow[];
}

/** The commands of a Redis client that are needed. */
export interface BullClient {
  hmget(key: string, ...fields: string[]): Promise<(string | null)[]>;
  lrange(key: string, start: number, end: number): Promise<string[]>;
  zscore(key: string, member: string): Promise<string | null>;
  smembers(key: string): Promise<string[]>;
}

/** Something that emits events. */
export interface BullEmitter {
  on(event: string, listener: (...args: never[]) => void): unknown;
}

type Method = (...args: never[]) => Promise<unknown>;

/** A worker. */
export interface BullWorker extends BullEmitter {
  readonly name: string;
  readonly opts: { readonly name?: string; readonly connection?: unknown };
  readonly concurrency: number;
  readonly closing?: unknown;
  /** Version 6 keeps the client there. */
  readonly backend?: { readonly client?: Promise<BullClient> };
  readonly client?: Promise<BullClient>;
  readonly Job: BullJobClass;
  processJob: (job: BullJob, ...rest: never[]) => Promise<unknown>;
  callProcessJob: (job: BullJob, ...rest: never[]) => Promise<unknown>;
  /** Not part of what BullMQ promises. */
  whenCurrentJobsFinished?: (...args: never[]) => Promise<unknown>;
  close: Method;
}

/** A queue. */
export interface BullQueue extends BullEmitter {
  readonly name: string;
  /** Version 6 keeps the client there. */
  readonly backend?: { readonly client?: Promise<BullClient> };
  readonly client?: Promise<BullClient>;
  toKey(id: string): string;
  readonly opts: { readonly connection?: unknown };
  readonly Job: BullJobClass;
  add: (name: string, data: unknown, opts?: BullJobOptions) => Promise<BullJob>;
  addBulk: (jobs: readonly { opts?: BullJobOptions }[]) => Promise<BullJob[]>;
  upsertJobScheduler?: (id: string, ...rest: never[]) => Promise<BullJob | undefined>;
  removeJobScheduler?: (id: string) => Promise<unknown>;
  getDeduplicationJobId?: (id: string) => Promise<string | null>;
  getJobScheduler?: (id: string) => Promise<{ readonly next?: number | null } | undefined>;
  remove: (id: string, ...rest: never[]) => Promise<unknown>;
  drain: (delayed?: boolean) => Promise<unknown>;
  clean: (grace: number, limit: number, type?: string) => Promise<string[]>;
  obliterate: Method;
  getJobs(types: string[], start: number, end: number, asc?: boolean): Promise<(BullJob | undefined)[]>;
  close: Method;
}

/** A producer of flows. */
export interface BullFlowProducer {
  readonly opts: { readonly connection?: unknown };
  add: (flow: BullFlow, ...rest: never[]) => Promise<BullFlowJob | undefined>;
  addBulk: (flows: readonly BullFlow[]) => Promise<BullFlowJob[] | undefined>;
  close: Method;
}

/** What makes the next job of a schedule. */
export interface BullScheduler {
  upsertJobScheduler: Method;
}

/** The class of a queue's jobs. */
export interface BullJobClass {
  fromId(queue: unknown, id: string): Promise<BullJob | undefined>;
}

/** A job as its queue has it now; undefined if it is gone. */
export async function storedJob(job: BullJob): Promise<BullJob | undefined> {
  if (job.id === undefined) return undefined;
  return (job.constructor as unknown as BullJobClass).fromId(
    (job as unknown as { queue: unknown }).queue,
    job.id,
  );
}
