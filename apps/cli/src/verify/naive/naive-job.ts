import type { CurrentEvent } from '@quipu/contracts';
import {
  addInterval,
  noContributions,
  slotDimensions,
  type Contributions,
  type Dimensions,
} from './contributions.js';
import { earliest, factSet, lastText } from './facts.js';
import type { Folded, Part, WorkerPart } from './entity-fold.js';
import { attemptsOf, fieldOfAttempt, type Attempt, type JobEvent } from './job-attempts.js';
import { attemptIntervals, type AttemptIntervals, type JobInterval } from './job-intervals.js';
import { addAttemptMetrics, addWorkRequest, JOB_BOUNDS, outcomeOf, type Outcome } from './job-metrics.js';
import { greatestStatusFact, waitingIntervals } from './job-waiting.js';
import { accrue } from './samples.js';

type Status = Outcome | 'removed' | 'running' | 'blocked' | 'assigned' | 'waiting';

const STATUS_OF_FACT = {
  'job.blocked': 'blocked',
  'job.unblocked': 'waiting',
  'job.assigned': 'assigned',
  'job.requeued': 'waiting',
} as const;

/**
 * Folds the events of one job (in any order, repeated or not) into its contributions and what it says about
 * workers: which one it holds, and which ones it ran on. Every attempt is looked at from scratch; nothing is
 * incremental.
 */
export function naiveJob(
  tenant: string,
  subject: string,
  events: readonly CurrentEvent[],
  bounds = JOB_BOUNDS,
): Folded {
  const facts = factSet(events).filter((event): event is JobEvent => event.type.startsWith('job.'));
  const removals = facts.filter((fact) => fact.type === 'job.removed').map((fact) => fact.time);
  const attempts = attemptsOf(facts);
  const result = noContributions();
  const parts: Part[] = [];
  let skewed = 0;
  let estimated = 0;
  let latest: AttemptIntervals = { intervals: [], skewed: false, givenUpAt: null };

  for (const attempt of attempts) {
    latest = attemptIntervals(attempt, attempts, removals);
    if (latest.skewed) skewed += 1;
    const { intervals } = latest;
    for (const interval of intervals) {
      if (interval.estimated) estimated += 1;
      addRun(result, tenant, interval);
      parts.push(...onWorker(result, interval));
    }

    const own = dimensions(tenant, (field) => fieldOfAttempt(attempt, attempts, field));
    const waits = waitingIntervals(attempt, attempts, latest, removals);
    for (const interval of waits) addInterval(result, 'waiting', own, interval, 1);
    const outcome = outcomeOf(attempt);
    addAttemptMetrics(result, tenant, { attempt, attempts, intervals, waits, outcome }, bounds);
    if (outcome !== null) {
      const labels = { queue: own.queue ?? '', outcome };
      result.amounts.push({ family: 'jobs_finished', tenant, labels, value: 1 });
    }
  }

  if (skewed > 0) {
    result.amounts.push({ family: 'intervals_skewed', tenant, labels: { kind: 'job' }, value: skewed });
  }
  if (estimated > 0) {
    result.amounts.push({ family: 'intervals_estimated', tenant, labels: { kind: 'job' }, value: estimated });
  }
  const highest = attempts.at(-1);
  if (highest === undefined) return { contributions: result, parts };
  const status = statusOf(highest, latest, removals);
  const field = (name: string): unknown => fieldOfAttempt(highest, attempts, name);
  const queue = dimensions(tenant, field).queue ?? '';
  if (status !== null && status !== 'removed') {
    result.amounts.push({ family: 'jobs', tenant, labels: { queue, state: status }, value: 1 });
    addWorkRequest(result, tenant, field, status);
  }
  if (status === 'waiting') {
    const score = Math.max(queuedAt(highest), highest.delayUntil ?? -Infinity);
    result.members.push({ family: 'waiting', tenant, labels: { queue }, member: subject, score });
  }
  if (status === 'assigned' || status === 'running') {
    parts.push(...aboutWorker((name) => lastText(highest.facts, name), { held: true }));
  }
  return { contributions: result, parts };
}

function dimensions(tenant: string, field: (name: string) => unknown): Dimensions {
  const text = (name: string): string | null => {
    const value = field(name);
    return typeof value === 'string' ? value : null;
  };
  return {
    tenant,
    user: text('user'),
    queue: text('queue'),
    cluster: text('cluster'),
    template: text('clusterTemplate'),
    provider: null,
    hardware: null,
    image: null,
    services: [],
  };
}

/** Adds what an interval of an attempt is to the levels, whoever ran it. */
function addRun(to: Contributions, tenant: string, interval: JobInterval): void {
  const dims = dimensions(tenant, (field) => interval.field(field));
  const told = interval.field('nodes');
  const nodes = typeof told === 'number' ? told : 0;
  addInterval(to, 'running', dims, interval, 1);
  if (nodes > 0) {
    addInterval(to, 'nodes', dims, interval, nodes);
    accrue(to, 'quipu_node_seconds', tenant, {}, interval, nodes);
  }
  if (!interval.estimated) return;
  addInterval(to, 'running_estimated', dims, interval, 1);
  accrue(to, 'quipu_estimated_seconds', tenant, { level: 'running' }, interval);
  if (nodes > 0) {
    addInterval(to, 'nodes_estimated', dims, interval, nodes);
    accrue(to, 'quipu_estimated_seconds', tenant, { level: 'nodes' }, interval, nodes);
  }
}

/** Adds what an interval is to the slots of the worker that it names, if it names one, and what it says about it. */
function onWorker(to: Contributions, interval: JobInterval): Part[] {
  const { start, end } = interval;
  const parts = aboutWorker((name) => interval.own(name), { ran: { start, end } });
  for (const { tenant, id } of parts) {
    const dims = slotDimensions(tenant, id);
    addInterval(to, 'busy', dims, interval, 1);
    addInterval(to, 'idle', dims, interval, -1);
  }
  return parts;
}

function statusOf(
  highest: Attempt,
  { intervals, givenUpAt }: AttemptIntervals,
  removals: readonly number[],
): Status | null {
  if (removals.length > 0) return 'removed';
  if (intervals.some((interval) => interval.end === null)) return 'running';
  const outcome = outcomeOf(highest);
  if (outcome !== null) return outcome;
  // What was said of an attempt before it was given up is over.
  const counts = (time: number): boolean => givenUpAt === null || time > givenUpAt;
  const said = greatestStatusFact(highest.facts.filter(({ time }) => counts(time)));
  if (said !== undefined) return STATUS_OF_FACT[said.type];
  if (highest.queuedTimes.some(counts)) return 'waiting';
  return givenUpAt === null ? null : 'aborted';
}

/** The earliest queued fact, else the earliest unblocked or requeued one: a waiting attempt has one of them. */
function queuedAt(attempt: Attempt): number {
  const released = attempt.facts.filter((f) => f.type === 'job.unblocked' || f.type === 'job.requeued');
  return earliest(attempt.queuedTimes) ?? earliest(released.map((fact) => fact.time)) ?? -Infinity;
}

/** What a job says about the worker that its fields name, if they name one. */
function aboutWorker(field: (name: string) => unknown, says: WorkerPart): Part[] {
  const worker = field('worker');
  const tenant = field('workerTenant') ?? 'superadmin';
  if (typeof worker !== 'string' || typeof tenant !== 'string') return [];
  return [{ root: 'worker', tenant, id: `worker/${worker}`, says }];
}
