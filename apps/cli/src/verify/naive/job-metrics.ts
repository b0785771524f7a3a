import type { Contributions } from './contributions.js';
import { lastCarried } from './facts.js';
import { fieldOfAttempt, isTerminal, type Attempt } from './job-attempts.js';
import type { AttemptIntervals } from './job-intervals.js';
import { add, DURATION_BOUNDS, observe } from './samples.js';

/** Upper bounds of the distributions of waiting and running, in seconds. */
export interface JobBounds {
  readonly wait: readonly number[];
  readonly run: readonly number[];
}

const UP_TO_AN_HOUR = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 1800, 3600];

/** The bounds unless configured otherwise. */
export const JOB_BOUNDS: JobBounds = {
  wait: UP_TO_AN_HOUR,
  run: [...UP_TO_AN_HOUR, 7200, 21_600, 86_400],
};

/** How an attempt ended. */
export type Outcome = 'completed' | 'failed' | 'aborted';

/** An attempt and what its facts come to. */
export interface AttemptFold {
  readonly attempt: Attempt;
  /** All attempts of the job. */
  readonly attempts: readonly Attempt[];
  readonly intervals: AttemptIntervals['intervals'];
  readonly waits: readonly { readonly start: number; readonly end: number | null }[];
  readonly outcome: Outcome | null;
}

const RESULTS = { completed: 'success', failed: 'failure', aborted: 'aborted' } as const;
const MS = 1000;

/** Adds what was observed of one attempt: how long it waited and how long it ran. */
export function addAttemptMetrics(
  to: Contributions,
  tenant: string,
  fold: AttemptFold,
  bounds: JobBounds,
): void {
  const { attempt, attempts, outcome } = fold;
  const text = (field: string): string => textOf(fieldOfAttempt(attempt, attempts, field));
  const task = text('taskName');
  const queue = text('queue');
  const observed = (
    family: string,
    labels: Record<string, string>,
    ladder: readonly number[],
    ms: number,
  ): void => observe(to, family, tenant, labels, { bounds: ladder, unit: MS }, ms);

  const waited = timeWaited(fold);
  if (waited !== null) {
    const result = wasStarted(attempt) ? 'started' : (outcome ?? '');
    observed('quipu_job_wait_seconds', { queue, task, result }, bounds.wait, waited);
  }
  if (outcome === null) return;

  const ran = runTime(fold);
  const told = lastCarried(attempt.facts, 'statistics.duration');
  const duration = typeof told === 'number' ? Math.min(Math.round(told * MS), Number.MAX_SAFE_INTEGER) : ran;
  if (outcome !== 'aborted' && duration !== null) {
    const labels = { task_type: text('taskType'), task_name: task };
    observed('task_execution_times', labels, DURATION_BOUNDS, duration);
  }
  if (ran === null) return;
  const said = lastCarried(attempt.facts, 'result');
  const result = typeof said === 'string' ? said : RESULTS[outcome];
  observed('quipu_job_run_seconds', { queue, task, result }, bounds.run, ran);
  const failed = outcome === 'failed' || result === 'failure' || result === 'error';
  const status = outcome === 'aborted' ? 'cancelled' : failed ? 'failed' : 'succeeded';
  observed('rm_job_duration_seconds', { kind: task, status }, DURATION_BOUNDS, ran);
}

const REQUEST_STATUSES: Readonly<Record<string, string>> = {
  waiting: 'pending',
  assigned: 'pending',
  completed: 'completed',
  failed: 'completed',
};

/** Adds the work request that a job is, by the fields of its highest attempt. */
export function addWorkRequest(
  to: Contributions,
  tenant: string,
  field: (name: string) => unknown,
  status: string,
): void {
  const text = (name: string): string => textOf(field(name));
  const labels = {
    task_type: text('taskType'),
    task_name: text('taskName'),
    status: REQUEST_STATUSES[status] ?? status,
    host_architecture: text('labels.hostArchitecture'),
    backend: text('labels.backend'),
  };
  add(to, 'work_requests', tenant, labels, 1);
}

/** The text of a field; '' when nobody told it. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** How long the attempt waited, ms; null while that is not known, or when it never came to wait. */
function timeWaited({ attempt, intervals, waits, outcome }: AttemptFold): number | null {
  const released = attempt.facts.some(
    (fact) => fact.type === 'job.unblocked' || fact.type === 'job.requeued',
  );
  if (attempt.queuedTimes.length === 0 && !released) return null;
  const first = intervals[0]?.start;
  if (first === undefined && outcome === null) return null;
  return total(waits.filter(({ start }) => first === undefined || start < first));
}

/** How long the attempt ran, ms; null when it was never started. */
function runTime({ attempt, intervals }: AttemptFold): number | null {
  return wasStarted(attempt) ? total(intervals) : null;
}

function wasStarted(attempt: Attempt): boolean {
  return attempt.facts.some((fact) => fact.type === 'job.started');
}

function total(intervals: readonly { readonly start: number; readonly end: number | null }[]): number {
  return intervals.reduce((sum, { start, end }) => sum + (end === null ? 0 : end - start), 0);
}

/** How the attempt ended, by its greatest terminal fact. */
export function outcomeOf(attempt: Attempt): Outcome | null {
  const last = attempt.facts.findLast(isTerminal);
  return last === undefined ? null : OUTCOMES[last.type];
}

const OUTCOMES = { 'job.completed': 'completed', 'job.failed': 'failed', 'job.aborted': 'aborted' } as const;
