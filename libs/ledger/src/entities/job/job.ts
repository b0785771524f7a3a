import { PLATFORM_TENANT } from '@quipu/contracts';
import { addSamples } from '../../metrics/contribute.js';
import { pushLevel, workerDimensions } from '../levels.js';
import {
  type Contributions,
  type Dimensions,
  type EntityKey,
  type EntityKind,
  type Link,
  noContributions,
} from '../types.js';
import { emptyJob, type JobFields, type JobState, mergeJob } from './job-state.js';
import { jobChanged, jobTimeline, type JobTimeline } from './job-timeline.js';

const NO_LINKS: readonly Link[] = [];

/** Jobs: queue depth, waits, runs and the nodes held while running (docs/semantics.md, "Jobs"). */
export const jobKind: EntityKind<JobState> = {
  empty: emptyJob,
  merge: (state, event) => {
    jobChanged(state);
    return mergeJob(state, event);
  },
  contributions: (key, state) =>
    state.attempts.length === 0 ? noContributions() : jobContributions(key, jobTimeline(state)),
  links: jobLinks,
  linked: (state) => state,
};

/** What a resolved job adds to the numbers. */
export function jobContributions(key: EntityKey, job: JobTimeline): Contributions {
  const found = noContributions();
  addSamples('job', key, job, found);
  for (const attempt of job.attempts) {
    if (attempt.waiting.length > 0) {
      const dims = jobDimensions(key.tenant, attempt.fields);
      for (const wait of attempt.waiting) pushLevel(found.changes, 'waiting', dims, wait, 1);
    }
    for (let i = 0; i < attempt.running.length; i++) {
      const run = attempt.running[i]!;
      const { nodes = 0 } = run.fields;
      const dims = jobDimensions(key.tenant, run.fields);
      pushLevel(found.changes, 'running', dims, run, 1);
      pushLevel(found.changes, 'nodes', dims, run, nodes);
      if (attempt.estimated && i === attempt.running.length - 1) {
        pushLevel(found.changes, 'running_estimated', dims, run, 1);
        pushLevel(found.changes, 'nodes_estimated', dims, run, nodes);
      }
      if (run.fields.worker === undefined) continue;
      const ofWorker = runDimensions(run.fields);
      pushLevel(found.changes, 'busy', ofWorker, run, 1);
      pushLevel(found.changes, 'idle', ofWorker, run, -1);
    }
  }
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

/** What the slot that an interval with these fields took is accounted under: its worker. */
export function runDimensions({ workerTenant = PLATFORM_TENANT, worker = '' }: JobFields): Dimensions {
  return workerDimensions(workerTenant, worker);
}

/**
 * A job holds the worker its highest attempt names while it is assigned or running, and tells each worker how long it
 * ran there.
 */
function jobLinks(key: EntityKey, state: JobState): readonly Link[] {
  if (!namesWorker(state)) return NO_LINKS;
  const job = jobTimeline(state);
  const links: Link[] = [];
  const top = job.attempts.at(-1);
  const { worker } = top?.fields ?? {};
  if (worker !== undefined && (job.status === 'assigned' || job.status === 'running')) {
    links.push({ target: workerKey(worker, top!.fields), name: JSON.stringify([key.tenant, key.id]) });
  }
  for (const { running } of job.attempts) {
    for (const { start, end, fields } of running) {
      if (fields.worker === undefined || start === end) continue;
      const sum = end === null ? { base: -start, rate: 1 } : { base: end - start, rate: 0 };
      links.push({ target: workerKey(fields.worker, fields), name: '', sum });
    }
  }
  return links;
}

function namesWorker(state: JobState): boolean {
  for (const { facts } of state.attempts) for (const { f } of facts) if (f?.worker !== undefined) return true;
  return false;
}

function workerKey(worker: string, fields: JobFields): EntityKey {
  return { tenant: fields.workerTenant ?? PLATFORM_TENANT, kind: 'worker', id: `worker/${worker}` };
}
