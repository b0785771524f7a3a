import { formatTimestamp, type JobData } from '@quipu/contracts';
import type { Reporter } from '../reporter.js';
import { type BullJob, storedJob } from './bull.js';
import type { JobFacts, JobNames } from './job-facts.js';

/** Reports what happens to jobs; nothing that goes wrong here reaches the program. */
export class JobReports {
  /** What is still being looked up. */
  private readonly pending = new Set<Promise<void>>();

  constructor(
    readonly reporter: Reporter,
    readonly names: JobNames,
    readonly tell: (error: unknown) => void,
  ) {}

  /** Runs something that must not disturb the program; undefined if it throws. */
  quietly<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.tell(error);
      return undefined;
    }
  }

  /** The same for something that takes its time. */
  inBackground(work: () => Promise<void>): void {
    const done = work()
      .catch((error: unknown) => this.tell(error))
      .finally(() => this.pending.delete(done));
    this.pending.add(done);
  }

  /** Waits until what runs in the background has been reported: it needs the connection that is about to be closed. */
  async settled(deadlineMs: number): Promise<void> {
    if (this.pending.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, deadlineMs)));
    await Promise.race([Promise.all(this.pending), late]);
    clearTimeout(timer);
  }

  /** An event about a job. */
  say(
    type: `job.${'queued' | 'blocked' | 'unblocked' | 'started' | 'progressed' | 'completed' | 'failed' | 'aborted' | 'removed'}`,
    { tenant, subject }: JobFacts,
    time: number,
    data: JobData,
  ): void {
    this.reporter.report({ type, tenant, subject, time, data });
  }

  /** That a job was enqueued; `blocked` if it waits for its children. */
  queued(job: BullJob, facts: JobFacts = this.names.of(job), blocked = false): void {
    const due = dueOf(job);
    const delay = due > job.timestamp ? { delayUntil: formatTimestamp(due) } : {};
    this.say('job.queued', facts, job.timestamp, { ...facts.fields, attempt: 1, ...delay });
    if (blocked) this.say('job.blocked', facts, job.timestamp, { queue: facts.fields.queue, attempt: 1 });
  }

  /**
   * The same for a job that may have been in the queue before, in which case BullMQ keeps the old one: what counts is
   * what the queue has.
   */
  queuedIfStored(job: BullJob, blocked = false): void {
    this.inBackground(async () => {
      const stored = await storedJob(job);
      if (stored !== undefined) this.queued(stored, this.names.of(stored), blocked);
    });
  }

  /** That a job is gone from its queue. */
  removed(job: BullJob, time: number): void {
    this.gone(this.names.of(job), time);
  }

  /** The same, of a job of which no more is known than whose it is and what it is called. */
  gone(facts: JobFacts, time: number): void {
    this.say('job.removed', facts, time, {});
  }
}

/** When a job first becomes due, ms. What is left of its delay changes; its options do not. */
export function dueOf(job: BullJob): number {
  return job.timestamp + Math.max(0, Number(job.opts.delay ?? 0) || 0);
}
