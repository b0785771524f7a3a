import { pushLevel } from '../levels.js';
import {
  type Contributions,
  type Dimensions,
  type EntityKey,
  type EntityKind,
  type Link,
  noContributions,
} from '../types.js';
import { type JobFields, type JobState, emptyJob, mergeJob } from './job-state.js';
import { type JobTimeline, jobTimeline } from './job-timeline.js';

/** Tenant that owns workers unless an event names another. */
const PLATFORM_TENANT = 'superadmin';

/** Jobs: queue depth, waits, runs and the nodes held while running (docs/semantics.md, "Jobs"). */
export const jobKind: EntityKind<JobState> = {
  empty: emptyJob,
  merge: mergeJob,
  contributions: (key, state) => jobContributions(key, jobTimeline(state)),
  links: jobLinks,
  linked: (state) => state,
};

/** What a resolved job adds to the numbers. */
export function jobContributions(key: EntityKey, job: JobTimeline): Contributions {
  const found = noContributions();
  const { tenant } = key;
  const amount = (family: string, labels: Record<string, string>, value: number): void => {
    if (value !== 0) found.amounts.push({ family, tenant, labels, value });
  };
  const top = job.attempts.at(-1);
  const queue = top?.fields.queue ?? '';
  if (job.status !== null && job.status !== 'removed') amount('jobs', { queue, state: job.status }, 1);
  if (job.waitingSince !== null) {
    found.members.push({ family: 'waiting', tenant, queue, member: key.id, score: job.waitingSince });
  }
  let skewed = 0;
  let estimated = 0;
  for (const attempt of job.attempts) {
    if (attempt.outcome !== null)
      amount('jobs_finished', { outcome: attempt.outcome, queue: attempt.fields.queue ?? '' }, 1);
    if (attempt.skewed) skewed++;
    if (attempt.estimated) estimated++;
    const dims = jobDimensions(tenant, attempt.fields);
    for (const wait of attempt.waiting) pushLevel(found.changes, 'waiting', dims, wait, 1);
    for (const run of attempt.running) {
      const runDims = jobDimensions(tenant, run.fields);
      pushLevel(found.changes, 'running', runDims, run, 1);
      pushLevel(found.changes, 'nodes', runDims, run, run.fields.nodes ?? 0);
    }
  }
  amount('intervals_skewed', { kind: 'job' }, skewed);
  amount('intervals_estimated', { kind: 'job' }, estimated);
  return found;
}

/** What an interval with these fields is accounted under. */
export function jobDimensions(tenant: string, fields: JobFields): Dimensions {
  return {
    tenant,
    user: fields.user ?? null,
    queue: fields.queue ?? null,
    cluster: fields.cluster ?? null,
    template: fields.clusterTemplate ?? null,
    provider: null,
    hardware: null,
    image: null,
    services: [],
  };
}

function jobLinks(key: EntityKey, state: JobState): Link[] {
  if (
    state.attempts.length === 0 ||
    !state.attempts.at(-1)!.facts.some((fact) => fact.f?.worker !== undefined)
  )
    return [];
  const job = jobTimeline(state);
  if (job.status !== 'assigned' && job.status !== 'running') return [];
  const { worker, workerTenant } = job.attempts.at(-1)!.fields;
  if (worker === undefined) return [];
  const target: EntityKey = {
    tenant: workerTenant ?? PLATFORM_TENANT,
    kind: 'worker',
    id: `worker/${worker}`,
  };
  return [{ target, name: JSON.stringify([key.tenant, key.id]) }];
}
