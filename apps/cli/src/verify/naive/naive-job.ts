import type { CurrentEvent } from '@quipu/contracts';
import { addInterval, noContributions, type Contributions, type Dimensions } from './contributions.js';
import { earliest, factSet, lastText } from './facts.js';
import { attemptsOf, fieldOfAttempt, isTerminal, type Attempt, type JobEvent } from './job-attempts.js';
import { attemptIntervals, type AttemptIntervals } from './job-intervals.js';
import { greatestStatusFact, waitingIntervals } from './job-waiting.js';

/** The worker that a job holds. */
export interface Hold {
  readonly tenant: string;
  readonly worker: string;
}

/** What the events of one job come to. */
export interface JobFold {
  readonly contributions: Contributions;
  readonly hold: Hold | null;
}

type Status = 'removed' | 'running' | 'completed' | 'failed' | 'aborted' | 'blocked' | 'assigned' | 'waiting';

const OUTCOMES = { 'job.completed': 'completed', 'job.failed': 'failed', 'job.aborted': 'aborted' } as const;

const STATUS_OF_FACT = {
  'job.blocked': 'blocked',
  'job.unblocked': 'waiting',
  'job.assigned': 'assigned',
  'job.requeued': 'waiting',
} as const;

/**
 * Folds the events of one job (in any order, repeated or not) into its contributions and the worker it
 * holds. Every attempt is looked at from scratch; nothing is incremental.
 */
export function naiveJob(tenant: string, subject: string, events: readonly CurrentEvent[]): JobFold {
  const facts = factSet(events).filter((event): event is JobEvent => event.type.startsWith('job.'));
  const removals = facts.filter((fact) => fact.type === 'job.removed').map((fact) => fact.time);
  const attempts = attemptsOf(facts);
  const result = noContributions();
  let skewed = 0;
  let estimated = 0;
  let latest: AttemptIntervals = { intervals: [], skewed: false, estimated: false };

  for (const attempt of attempts) {
    latest = attemptIntervals(attempt, attempts, removals);
    if (latest.skewed) skewed += 1;
    if (latest.estimated) estimated += 1;
    for (const interval of latest.intervals) {
      const dims = dimensions(tenant, (field) => interval.field(field));
      addInterval(result, 'running', dims, interval, 1);
      const nodes = interval.field('nodes') ?? 0;
      if (typeof nodes === 'number' && nodes > 0) addInterval(result, 'nodes', dims, interval, nodes);
    }

    const own = dimensions(tenant, (field) => fieldOfAttempt(attempt, attempts, field));
    for (const interval of waitingIntervals(attempt, attempts, latest.intervals, removals)) {
      addInterval(result, 'waiting', own, interval, 1);
    }
    const outcome = outcomeOf(attempt);
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
  if (highest === undefined) return { contributions: result, hold: null };
  const status = statusOf(highest, latest, removals);
  const queue = dimensions(tenant, (field) => fieldOfAttempt(highest, attempts, field)).queue ?? '';
  if (status !== null && status !== 'removed') {
    result.amounts.push({ family: 'jobs', tenant, labels: { queue, state: status }, value: 1 });
  }
  if (status === 'waiting') {
    const score = Math.max(queuedAt(highest), highest.delayUntil ?? -Infinity);
    result.members.push({ family: 'waiting', tenant, labels: { queue }, member: subject, score });
  }
  return { contributions: result, hold: holdOf(highest, status) };
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

function outcomeOf(attempt: Attempt): 'completed' | 'failed' | 'aborted' | null {
  const last = attempt.facts.findLast(isTerminal);
  return last === undefined ? null : OUTCOMES[last.type];
}

function statusOf(
  highest: Attempt,
  { intervals }: AttemptIntervals,
  removals: readonly number[],
): Status | null {
  if (removals.length > 0) return 'removed';
  if (intervals.some((interval) => interval.end === null)) return 'running';
  const outcome = outcomeOf(highest);
  if (outcome !== null) return outcome;
  const said = greatestStatusFact(highest.facts);
  if (said !== undefined) return STATUS_OF_FACT[said.type];
  return highest.queuedTimes.length > 0 ? 'waiting' : null;
}

/** The earliest queued fact, else the earliest unblocked or requeued one: a waiting attempt has one of them. */
function queuedAt(attempt: Attempt): number {
  const released = attempt.facts.filter((f) => f.type === 'job.unblocked' || f.type === 'job.requeued');
  return earliest(attempt.queuedTimes) ?? earliest(released.map((fact) => fact.time)) ?? -Infinity;
}

function holdOf(highest: Attempt, status: Status | null): Hold | null {
  if (status !== 'assigned' && status !== 'running') return null;
  const worker = lastText(highest.facts, 'worker');
  if (worker === null) return null;
  return { tenant: lastText(highest.facts, 'workerTenant') ?? 'superadmin', worker };
}
