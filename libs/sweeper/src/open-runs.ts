import { PLATFORM_TENANT } from '@quipu/contracts';
import { type JobState, jobTimeline, type WorkerState } from '@quipu/ledger';
import type { OpenRun } from './judge.js';

/** The jobs, `[tenant, subject]`, that hold a worker, by its stored state. */
export function jobsHolding(state: unknown): [tenant: string, subject: string][] {
  const holds = (state as WorkerState | undefined)?.holds ?? [];
  return holds.map((name) => JSON.parse(name) as [string, string]);
}

/** The open run of a job's highest attempt on a worker, by its stored state; null if there is none. */
export function openRunOf(
  jobTenant: string,
  job: string,
  state: unknown,
  recordedMs: number,
  on: { readonly tenant: string; readonly worker: string },
): OpenRun | null {
  const facts = state as JobState;
  const top = jobTimeline(facts).attempts.at(-1);
  const run = top?.running.at(-1);
  if (top === undefined || run === undefined || run.end !== null) return null;
  if (run.fields.worker !== on.worker || (run.fields.workerTenant ?? PLATFORM_TENANT) !== on.tenant)
    return null;
  const attempt = facts.attempts.at(-1)!;
  const told = attempt.facts.filter(({ k }) => k === 'started' || k === 'assigned').map(({ t }) => t);
  const heard = facts.signs?.find(({ a }) => a === attempt.a)?.l ?? -Infinity;
  const lastMs = Math.max(run.start, ...told, heard);
  return { jobTenant, job, attempt: top.attempt, startedMs: run.start, lastMs, recordedMs };
}
