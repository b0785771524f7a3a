import { PLATFORM_TENANT } from '@quipu/contracts';
import { type AttemptTimeline, type JobState, jobTimeline } from '@quipu/ledger';
import type { RecentFactRow } from './recent-facts.js';

/** What an attempt of the last minutes came to. */
export interface RecentAttempt {
  readonly tenant: string;
  /** '' for jobs that named none. */
  readonly queue: string;
  /** The wait that ended, if one did: when, and after how long (ms). */
  readonly wait: { readonly end: number; readonly ms: number } | null;
  /** The run that ended, if one did: when, and after how long (ms). */
  readonly run: { readonly end: number; readonly ms: number } | null;
  /** It was started: what ceased to wait was not just removed. */
  readonly taken: boolean;
  /** The worker that took it. */
  readonly worker: WorkerName | null;
}

/** A worker as jobs name it. */
export interface WorkerName {
  readonly tenant: string;
  readonly id: string;
}

/** The attempts that events ended the wait or the run of, each wait and run once. */
export function recentAttempts(rows: readonly RecentFactRow[]): RecentAttempt[] {
  const states = new Map<string, JobState>();
  const name = (row: RecentFactRow): string => JSON.stringify([row.tenant, row.subject]);
  for (const row of rows) if (row.state !== null) states.set(name(row), JSON.parse(row.state) as JobState);
  const seen = new Set<string>();
  const found: RecentAttempt[] = [];
  for (const row of rows) {
    const state = row.tenant === null ? undefined : states.get(name(row));
    if (state === undefined) continue;
    const number = Math.max(1, Number(row.attempt ?? 1) || 1);
    const attempt = jobTimeline(state).attempts.find((one) => one.attempt === number);
    if (attempt === undefined) continue;
    // An attempt without a start waited until it ended; with one, its wait is told by the start.
    const what = row.type === 'job.started' ? 'wait' : 'run';
    const place = `${what}\n${number}\n${name(row)}`;
    if (seen.has(place)) continue;
    seen.add(place);
    const whole = recentAttempt(row.tenant ?? '', attempt);
    found.push({
      ...whole,
      wait: what === 'wait' || attempt.running.length === 0 ? whole.wait : null,
      run: what === 'run' ? whole.run : null,
    });
  }
  return found;
}

/** The attempts of a job whose wait or run ended after `sinceMs`; what ended before that is left out. */
export function attemptsSince(tenant: string, state: JobState, sinceMs: number): RecentAttempt[] {
  return jobTimeline(state).attempts.flatMap((attempt) => {
    const whole = recentAttempt(tenant, attempt);
    const wait = whole.wait !== null && whole.wait.end > sinceMs ? whole.wait : null;
    const run = whole.run !== null && whole.run.end > sinceMs ? whole.run : null;
    return wait === null && run === null ? [] : [{ ...whole, wait, run }];
  });
}

function recentAttempt(tenant: string, attempt: AttemptTimeline): RecentAttempt {
  return {
    tenant,
    queue: attempt.fields.queue ?? '',
    wait: waitOf(attempt),
    run: runOf(attempt),
    ...{ taken: attempt.running.length > 0, worker: workerOf(attempt) },
  };
}

/** The worker an attempt names, or null. */
export function workerOf({ fields }: Pick<AttemptTimeline, 'fields'>): WorkerName | null {
  const { worker, workerTenant } = fields;
  return worker === undefined ? null : { tenant: workerTenant ?? PLATFORM_TENANT, id: worker };
}

/** The time waited until the first interval opened (all of it without one), as `quipu_job_wait_seconds` has it. */
function waitOf({ queued, running, waiting, outcome }: AttemptTimeline): RecentAttempt['wait'] {
  const opened = running[0]?.start;
  if (!queued || (opened === undefined && outcome === null)) return null;
  let ms = 0;
  let end = opened ?? 0;
  for (const wait of waiting) {
    if (wait.end === null || (opened !== undefined && wait.start >= opened)) continue;
    ms += wait.end - wait.start;
    if (opened === undefined) end = Math.max(end, wait.end);
  }
  return end === 0 ? null : { end, ms };
}

/** The time the attempt ran, as `quipu_job_run_seconds` has it; null where its end is an estimate. */
function runOf({ running, outcome, started, estimated }: AttemptTimeline): RecentAttempt['run'] {
  if (!started || outcome === null || estimated) return null;
  let ms = 0;
  let end = 0;
  for (const run of running) {
    if (run.end === null) continue;
    ms += run.end - run.start;
    end = Math.max(end, run.end);
  }
  return end === 0 ? null : { end, ms };
}
