import type { AppendOutcome } from '@quipu/event-log';
import { type Job, type JobJson, Worker, type WorkerOptions } from 'bullmq';
import { UnreadableData } from './read-job.js';

/** What becomes of the events of a job, in its order; kept with the job for who asked to read it. */
export type JobAnswer = readonly AppendOutcome[] | undefined;

/** What is done with a job. */
export type JobHandler = (job: Job<unknown, JobAnswer>, bytes: number) => Promise<JobAnswer>;

/**
 * A BullMQ worker that never holds more than some bytes of job data: with 500 jobs in flight, full ones
 * would take more memory than the process may use. Above the budget no further job is fetched until enough
 * of those in flight are done.
 *
 * Data that is no JSON reaches the handler as {@link UnreadableData}; BullMQ itself would throw, and find
 * the job stalled, for ever.
 */
export class IngestWorker extends Worker<unknown, JobAnswer> {
  private readonly sizes = new WeakMap<Job, number>();
  private inFlight = 0;
  private limit: number;

  /** @param maxBytes the budget; `options.concurrency` is the most jobs in flight. */
  constructor(
    queue: string,
    handle: JobHandler,
    options: WorkerOptions & { concurrency: number },
    private readonly maxBytes: number,
  ) {
    super(
      queue,
      async (job) => {
        const bytes = this.sizes.get(job) ?? 0;
        try {
          return await handle(job, bytes);
        } finally {
          this.inFlight -= bytes;
          this.applyLimit();
        }
      },
      // Started by hand: the constructor of the base class would start it before the fields here exist.
      { ...options, autorun: false },
    );
    this.limit = options.concurrency;
  }

  /** The most jobs in flight from now on. */
  set jobLimit(jobs: number) {
    this.limit = jobs;
    this.applyLimit();
  }

  /** Ends without waiting for Redis: what is in hand is left to its locks. */
  async abandon(): Promise<void> {
    await this.lockManager.close();
    void this.disconnect().catch(() => undefined);
  }

  private applyLimit(): void {
    this.concurrency = this.inFlight > this.maxBytes ? 1 : this.limit;
  }

  protected override createJob(json: JobJson, jobId: string): Job<unknown, JobAnswer> {
    const job = this.parseJob(json, jobId);
    const bytes = json.data.length;
    this.sizes.set(job, bytes);
    this.inFlight += bytes;
    this.applyLimit();
    return job;
  }

  private parseJob(json: JobJson, jobId: string): Job<unknown, JobAnswer> {
    try {
      return super.createJob(json, jobId);
    } catch {
      const job = super.createJob({ ...json, data: 'null' }, jobId);
      job.data = new UnreadableData(json.data);
      return job;
    }
  }
}
