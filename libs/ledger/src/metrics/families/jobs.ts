import { type AttemptTimeline, type JobStatus } from '../../entities/job/job-timeline.js';
import { JOB_LADDER } from '../buckets.js';
import { accruing, configuredDistribution, distribution, oldest, values } from '../define.js';
import { type MetricFamily } from '../types.js';

/** Debusine's word for what a job is doing; null for one that does not count. */
function debusineStatus(status: JobStatus): string | null {
  switch (status) {
    case 'waiting':
    case 'assigned':
      return 'pending';
    case 'completed':
    case 'failed':
      return 'completed';
    case 'removed':
      return null;
    default:
      return status;
  }
}

/** How long an attempt ran, ms; null if nobody said that it began. An end before its start is a duration of 0. */
function runTime({ started, running }: AttemptTimeline): number | null {
  if (!started) return null;
  let sum = 0;
  for (const { start, end } of running) if (end !== null) sum += end - start;
  return sum;
}

/** How long an attempt waited, ms; null while that is not behind it, or if nobody said that it waited. */
function waitTime({ queued, running, waiting, outcome }: AttemptTimeline): number | null {
  const opened = running[0]?.start ?? null;
  if (!queued || (opened === null && outcome === null)) return null;
  let sum = 0;
  for (const { start, end } of waiting)
    if (end !== null && (opened === null || start < opened)) sum += end - start;
  return sum;
}

const RUNNING = { level: 'running' };
const NODES = { level: 'nodes' };
const RUN_RESULTS = { completed: 'success', failed: 'failure', aborted: 'aborted' } as const;

function resticStatus({ outcome, fields: { result } }: AttemptTimeline): string {
  if (outcome === 'aborted') return 'cancelled';
  return outcome === 'failed' || result === 'failure' || result === 'error' ? 'failed' : 'succeeded';
}

/** Families that jobs contribute to. */
export const jobFamilies: readonly MetricFamily[] = [
  values({
    name: 'work_requests',
    dialect: 'debusine',
    help: 'Number of WorkRequests',
    labels: ['task_type', 'task_name', 'scope', 'status', 'host_architecture', 'backend'],
    tenantLabel: 'scope',
    audience: 'tenant',
    zeroRows: {
      task_name: 'task_names',
      scope: 'scopes',
      status: ['pending', 'running', 'completed', 'aborted', 'blocked'],
    },
    of: {
      job: (job, to) => {
        const status = debusineStatus(job.status);
        const top = job.attempts.at(-1);
        if (status === null || top === undefined) return;
        const { taskType = '', taskName = '', hostArchitecture = '', backend = '' } = top.fields;
        to.add(1, {
          task_type: taskType,
          task_name: taskName,
          status,
          host_architecture: hostArchitecture,
          backend,
        });
      },
    },
  }),
  distribution({
    name: 'task_execution_times',
    dialect: 'debusine',
    help: 'Seconds that tasks ran, as their runtime statistics say',
    labels: ['task_type', 'task_name', 'scope'],
    tenantLabel: 'scope',
    audience: 'tenant',
    buckets: JOB_LADDER,
    scale: 1_000,
    of: {
      job: ({ attempts }, to) => {
        for (const attempt of attempts) {
          if (attempt.outcome !== 'completed' && attempt.outcome !== 'failed') continue;
          const { taskType = '', taskName = '', duration } = attempt.fields;
          const took = duration ?? runTime(attempt);
          if (took !== null) to.observe(took, { task_type: taskType, task_name: taskName });
        }
      },
    },
  }),
  distribution({
    name: 'rm_job_duration_seconds',
    dialect: 'restic',
    help: 'End-to-end duration of completed jobs, by kind and terminal status.',
    unit: 'seconds',
    labels: ['kind', 'status'],
    tenantLabel: null,
    audience: 'tenant',
    buckets: JOB_LADDER,
    scale: 1_000,
    of: {
      job: ({ attempts }, to) => {
        for (const attempt of attempts) {
          const took = attempt.outcome === null ? null : runTime(attempt);
          if (took === null) continue;
          to.observe(took, { kind: attempt.fields.taskName ?? '', status: resticStatus(attempt) });
        }
      },
    },
  }),
  values({
    name: 'quipu_jobs',
    stored: 'jobs',
    dialect: 'quipu',
    help: 'Jobs by what they are doing now.',
    labels: ['tenant', 'queue', 'state'],
    tenantLabel: 'tenant',
    audience: 'tenant',
    of: {
      job: ({ status, attempts }, to) => {
        if (status === null || status === 'removed') return;
        to.add(1, { queue: attempts.at(-1)?.fields.queue ?? '', state: status });
      },
    },
  }),
  values({
    name: 'quipu_jobs_finished',
    stored: 'jobs_finished',
    dialect: 'quipu',
    type: 'counter',
    help: 'Attempts of jobs that ended, by how.',
    labels: ['tenant', 'queue', 'outcome'],
    tenantLabel: 'tenant',
    audience: 'tenant',
    of: {
      job: ({ attempts }, to) => {
        for (const { outcome, fields } of attempts) {
          if (outcome !== null) to.add(1, { queue: fields.queue ?? '', outcome });
        }
      },
    },
  }),
  oldest({
    name: 'quipu_oldest_waiting_seconds',
    stored: 'waiting',
    dialect: 'quipu',
    help: 'How long the job has been due that has waited longest for a worker.',
    unit: 'seconds',
    folds: 'max',
    labels: ['tenant', 'queue'],
    tenantLabel: 'tenant',
    audience: 'tenant',
    of: {
      job: ({ waitingSince, attempts }, to) => {
        if (waitingSince !== null) to.member(waitingSince, { queue: attempts.at(-1)?.fields.queue ?? '' });
      },
    },
  }),
  configuredDistribution(
    {
      name: 'quipu_job_wait_seconds',
      dialect: 'quipu',
      help: 'How long attempts waited for a worker, without deliberate delay; `result` is how the wait ended.',
      unit: 'seconds',
      labels: ['tenant', 'queue', 'task', 'result'],
      tenantLabel: 'tenant',
      audience: 'tenant',
      of: {
        job: ({ attempts }, to) => {
          for (const attempt of attempts) {
            const waited = waitTime(attempt);
            if (waited === null) continue;
            const { queue = '', taskName: task = '' } = attempt.fields;
            const result = attempt.started ? 'started' : attempt.outcome!;
            to.observe(waited, { queue, task, result });
          }
        },
      },
    },
    'wait',
  ),
  configuredDistribution(
    {
      name: 'quipu_job_run_seconds',
      dialect: 'quipu',
      help: 'How long attempts ran that have ended.',
      unit: 'seconds',
      labels: ['tenant', 'queue', 'task', 'result'],
      tenantLabel: 'tenant',
      audience: 'tenant',
      of: {
        job: ({ attempts }, to) => {
          for (const attempt of attempts) {
            const { outcome, fields } = attempt;
            const took = outcome === null ? null : runTime(attempt);
            if (took === null || outcome === null) continue;
            const { queue = '', taskName: task = '', result = RUN_RESULTS[outcome] } = fields;
            to.observe(took, { queue, task, result });
          }
        },
      },
    },
    'run',
  ),
  accruing({
    name: 'quipu_node_seconds',
    dialect: 'quipu',
    help: 'Node-seconds held, by jobs while they run and by nodes allocated.',
    unit: 'seconds',
    labels: ['tenant'],
    tenantLabel: 'tenant',
    audience: 'tenant',
    of: {
      job: ({ attempts }, to) => {
        for (const { running } of attempts)
          for (const { start, end, fields } of running) to.accrue(start, end, fields.nodes ?? 0, {});
      },
      node: (lives, to) => {
        for (const { intervals } of lives)
          for (const { start, end } of intervals) to.accrue(start, end, 1, {});
      },
    },
  }),
  accruing({
    name: 'quipu_estimated_seconds',
    dialect: 'quipu',
    type: 'gauge',
    help: 'Node-seconds and seconds of runs whose end is an estimate; a true end takes its run out of them.',
    unit: 'seconds',
    labels: ['tenant', 'level'],
    tenantLabel: 'tenant',
    audience: 'tenant',
    of: {
      job: ({ attempts }, to) => {
        for (const { estimated, running } of attempts) {
          if (!estimated) continue;
          const { start, end, fields } = running.at(-1)!;
          to.accrue(start, end, 1, RUNNING);
          to.accrue(start, end, fields.nodes ?? 0, NODES);
        }
      },
    },
  }),
  values({
    name: 'quipu_nodes',
    stored: 'nodes',
    dialect: 'quipu',
    help: 'Nodes that are allocated.',
    labels: ['tenant'],
    tenantLabel: 'tenant',
    audience: 'tenant',
    of: {
      node: (lives, to) => {
        let open = 0;
        for (const { intervals } of lives) if (intervals.at(-1)?.end === null) open++;
        to.add(open, {});
      },
    },
  }),
  values({
    name: 'quipu_intervals_skewed',
    stored: 'intervals_skewed',
    dialect: 'quipu',
    help: 'Starts whose end came before them: clocks disagree.',
    labels: ['tenant', 'kind'],
    tenantLabel: 'tenant',
    audience: 'tenant',
    of: {
      job: ({ attempts }, to) => {
        let skewed = 0;
        for (const attempt of attempts) if (attempt.skewed) skewed++;
        if (skewed > 0) to.add(skewed, { kind: 'job' });
      },
      node: (lives, to) => to.add(lives.filter(({ skewed }) => skewed).length, { kind: 'node' }),
      instance: (lives, to) => to.add(lives.filter(({ skewed }) => skewed).length, { kind: 'instance' }),
    },
  }),
  values({
    name: 'quipu_intervals_estimated',
    stored: 'intervals_estimated',
    dialect: 'quipu',
    help: 'Runs whose end is an estimate: a higher attempt began, or their worker was last heard of.',
    labels: ['tenant', 'kind'],
    tenantLabel: 'tenant',
    audience: 'tenant',
    of: {
      job: ({ attempts }, to) => {
        let estimated = 0;
        for (const attempt of attempts) if (attempt.estimated) estimated++;
        if (estimated > 0) to.add(estimated, { kind: 'job' });
      },
    },
  }),
];
