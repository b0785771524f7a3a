import { formatTimestamp } from '@quipu/contracts';
import type { BullJob } from './bull.js';
import { type JobFacts, messageOf } from './job-facts.js';
import { dueOf, type JobReports } from './job-reports.js';

/** A run of a job in this process. */
export interface Run {
  readonly job: BullJob;
  readonly facts: JobFacts;
  /** Every start counts, also one after a stall or after the worker gave the job back. */
  readonly attempt: number;
  readonly startedMs: number;
  /** When the processor settled, and what it threw. */
  settledMs?: number;
  thrown?: unknown;
  /** Whether its end is reported. */
  ended: boolean;
  progressedMs: number;
}

/** What BullMQ's message of a job that its processor puts off because of a rate limit says. */
const RATE_LIMITED = 'bullmq:rateLimitExceeded';

/** Which start of the job this is. */
export function attemptOf(job: BullJob): number {
  return Math.max(1, job.attemptsStarted ?? job.attemptsMade + 1);
}

/** Reports the runs of a worker's jobs. */
export class WorkerRuns {
  private readonly open = new Map<BullJob, Run>();

  /**
   * @param worker fields that name the worker; empty if it is no part of the fleet.
   * @param progressMs least time between two reports of a job's progress.
   */
  constructor(
    private readonly reports: JobReports,
    private readonly worker: { worker?: string; workerTenant?: string },
    private readonly progressMs: number,
  ) {}

  get(job: BullJob): Run | undefined {
    return this.open.get(job);
  }

  /** A job was handed to this process. */
  begin(job: BullJob): Run {
    const facts = this.reports.names.of(job);
    const startedMs = job.processedOn ?? Date.now();
    const run: Run = {
      ...{ job, facts, startedMs, attempt: attemptOf(job), ended: false, progressedMs: -Infinity },
    };
    this.open.set(job, run);
    // Schedulers make their jobs without asking a queue, and programs without this library leave no mark.
    const unreported = job.opts.quipu === undefined || job.repeatJobKey !== undefined;
    if (run.attempt === 1 && unreported) this.reports.queued(job, facts);
    this.reports.say('job.started', facts, startedMs, {
      ...facts.fields,
      ...this.worker,
      attempt: run.attempt,
      ...(run.attempt === 1 ? { waited: Math.max(0, startedMs - dueOf(job)) / 1_000 } : {}),
    });
    return run;
  }

  completed(job: BullJob): void {
    const run = this.end(job);
    if (run === undefined) return;
    const time = run.settledMs ?? job.finishedOn ?? Date.now();
    this.reports.say('job.completed', run.facts, time, { ...ended(run, time), result: 'success' });
  }

  failed(job: BullJob, error: unknown): void {
    const run = this.end(job) ?? this.unseen(job);
    // A job that BullMQ will try again is not finished.
    const final = typeof job.finishedOn === 'number';
    const time = run.settledMs ?? job.finishedOn ?? Date.now();
    this.reports.say('job.failed', run.facts, time, {
      ...ended(run, time),
      result: 'error',
      final,
      error: messageOf(error),
      attemptsMade: job.attemptsMade,
      attempts: Math.max(1, job.opts.attempts ?? 1),
    });
    if (!final && (job.delay ?? 0) > 0) this.again(run, time, job.delay);
  }

  progressed(job: BullJob, progress: unknown): void {
    const run = this.open.get(job);
    if (run === undefined) return;
    const now = Date.now();
    if (now - run.progressedMs < this.progressMs) return;
    run.progressedMs = now;
    const told = typeof progress === 'number' && Number.isFinite(progress) ? { progress } : {};
    this.reports.say('job.progressed', run.facts, now, { attempt: run.attempt, ...told });
  }

  /** BullMQ is done with a job in this process. If no end was told, the worker gave it back. */
  leave(run: Run): void {
    this.open.delete(run.job);
    if (run.ended) return;
    run.ended = true;
    const time = run.settledMs ?? Date.now();
    const why = reasonOf(run.thrown);
    this.reports.say('job.aborted', run.facts, time, {
      ...ended(run, time),
      result: 'skipped',
      error: why.text,
    });
    if (why.again) this.again(run, time, why.delayed ? run.job.delay : 0, why.blocked);
  }

  /** The process ends with jobs at hand. */
  abandon(): void {
    const now = Date.now();
    for (const run of this.open.values()) {
      if (run.ended) continue;
      run.ended = true;
      this.reports.say('job.aborted', run.facts, now, {
        ...ended(run, now),
        result: 'skipped',
        error: 'its worker was stopped',
      });
    }
  }

  /** The next attempt waits from now on. */
  private again(run: Run, time: number, delayMs = 0, blocked = false): void {
    const attempt = run.attempt + 1;
    const { queue } = run.facts.fields;
    const delay = delayMs > 0 ? { delayUntil: formatTimestamp(time + delayMs) } : {};
    this.reports.say('job.queued', run.facts, time, { queue, attempt, ...delay });
    if (blocked) this.reports.say('job.blocked', run.facts, time, { queue, attempt });
  }

  private end(job: BullJob): Run | undefined {
    const run = this.open.get(job);
    if (run !== undefined) run.ended = true;
    return run;
  }

  /** A job that fails without having been handed to this process: its worker died too often. */
  private unseen(job: BullJob): Run {
    const startedMs = job.processedOn ?? Date.now();
    const facts = this.reports.names.of(job);
    return { job, facts, startedMs, attempt: attemptOf(job), ended: true, progressedMs: 0 };
  }
}

function ended(run: Run, time: number): { attempt: number; statistics: { duration: number } } {
  return { attempt: run.attempt, statistics: { duration: Math.max(0, time - run.startedMs) / 1_000 } };
}

interface Reason {
  readonly text: string;
  /** Whether the job waits for another attempt. */
  readonly again: boolean;
  readonly delayed?: boolean;
  readonly blocked?: boolean;
}

function reasonOf(thrown: unknown): Reason {
  const { name, message } = thrown instanceof Error ? thrown : { name: '', message: '' };
  if (message === RATE_LIMITED) return { text: 'given back: rate limit', again: true };
  if (name === 'WaitingError') return { text: 'given back: waits again', again: true };
  if (name === 'DelayedError') return { text: 'given back: delayed', again: true, delayed: true };
  if (name === 'WaitingChildrenError')
    return { text: 'given back: waits for its children', again: true, blocked: true };
  // Whoever took the job meanwhile reports what becomes of it.
  return { text: 'its outcome was not accepted: the worker had lost the job', again: false };
}
