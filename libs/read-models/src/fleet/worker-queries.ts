import type { Scope } from '@quipu/access';
import { TenantForbiddenError } from '@quipu/platform';
import type { Pool } from 'pg';
import { inLedgerSnapshot, type LedgerSnapshot } from '../past/ledger-snapshot.js';
import { withinScope } from '../scoped-filters.js';
import { type CurrentJob, jobName, readHeldJobs } from './held-jobs.js';
import { lastBusy } from './last-busy.js';
import { readWorker, readWorkers } from './read-workers.js';
import { workerKeyId } from './worker-keys.js';
import type { HeldJob, WorkerStanding, WorkerStateName } from './worker-standing.js';
import type { WorkerSpell } from './worker-timeline.js';

/** A worker as an answer tells of it. Times in ms. */
export interface WorkerRow extends Omit<WorkerStanding, 'holds' | 'doubts'> {
  /**
   * Since when it is in its state. Busy: since the oldest of its current jobs began; idle: since it was connected or
   * its last job ended; offline and lost: since it left or was last seen; retired: since then.
   */
  readonly since: number | null;
  /** How many jobs hold it. */
  readonly held: number;
  /** Those of them that the caller may see, longest first, at most {@link MAX_JOBS}. */
  readonly jobs: readonly CurrentJob[];
  /** How many jobs that the caller may not see hold it. */
  readonly otherJobs: number;
}

/** What narrows and orders a list of workers. */
export interface WorkersQuery {
  readonly now: number;
  readonly tenant?: string;
  readonly pool?: string;
  readonly type?: string;
  readonly state?: WorkerStateName;
  /** Which of them are told, so that jobs are read of those alone; without it: all. */
  readonly choose?: (workers: readonly WorkerStanding[]) => readonly WorkerStanding[];
}

/** Workers at one position of the log. */
export interface WorkersAnswer {
  readonly position: bigint;
  readonly asOf: number;
  readonly rows: WorkerRow[];
}

/** One worker at one position of the log. */
export interface WorkerAnswer {
  readonly position: bigint;
  readonly asOf: number;
  readonly row: WorkerRow;
  /** Its connections, oldest first; the newest {@link MAX_SPELLS}. */
  readonly timeline: WorkerSpell[];
  /** How many older ones are left out. */
  readonly timelineOmitted: number;
}

/** Most spells of a worker's timeline. */
export const MAX_SPELLS = 1_000;

/** Most jobs told of one worker. */
export const MAX_JOBS = 100;

/**
 * Who works, and at what. A tenant's admins see the workers of their tenant, whosever jobs those run; workers that
 * tenants share belong to the platform, and are seen by superadmins alone.
 */
export class WorkerQueries {
  constructor(private readonly pool: Pool) {}

  /**
   * The registered workers inside the scope that are not retired, in no order. Costs as much as there are workers, and
   * jobs that those hold that are told.
   * @throws TenantForbiddenError if a filter lies outside the scope, or the scope is a single user's.
   */
  async workers(scope: Scope, query: WorkersQuery): Promise<WorkersAnswer> {
    const { tenant } = ownerOf(scope, query.tenant);
    return inLedgerSnapshot(this.pool, async (snapshot) => {
      const { client, schema, position } = snapshot;
      if (schema === null) return { position, asOf: query.now, rows: [] };
      const all = await readWorkers(client, schema, tenant === undefined ? null : [tenant]);
      const wanted = all.filter(
        (worker) =>
          worker.state !== 'retired' &&
          (query.pool === undefined || worker.pool === query.pool) &&
          (query.type === undefined || worker.type === query.type) &&
          (query.state === undefined || worker.state === query.state),
      );
      const chosen = query.choose?.(wanted) ?? wanted;
      return { position, asOf: query.now, rows: await withJobs(scope, snapshot, chosen, query.now) };
    });
  }

  /** One worker, retired ones too; null if there is none inside the scope: which of the two, a caller must not learn. */
  async worker(
    scope: Scope,
    { tenant, worker, now }: { readonly tenant: string; readonly worker: string; readonly now: number },
  ): Promise<WorkerAnswer | null> {
    if (!scope.coversTenant(tenant)) return null;
    return inLedgerSnapshot(this.pool, async (snapshot) => {
      const { client, schema, position } = snapshot;
      const found = schema === null ? null : await readWorker(client, schema, tenant, worker);
      if (found === null) return null;
      const { standing, timeline } = found;
      const [row] = await withJobs(scope, snapshot, [standing], now);
      const kept = timeline.slice(-MAX_SPELLS);
      const timelineOmitted = timeline.length - kept.length;
      return { position, asOf: now, row: row!, timeline: kept, timelineOmitted };
    });
  }
}

/** The one tenant whose workers are asked for; none: all. */
export function ownerOf(scope: Scope, tenant: string | undefined): { tenant?: string } {
  if (scope.kind === 'user') {
    throw new TenantForbiddenError('Workers are told per tenant: they need an admin of the tenant.');
  }
  return withinScope<{ tenant?: string }>(scope, tenant === undefined ? {} : { tenant });
}

async function withJobs(
  scope: Scope,
  { client, schema }: LedgerSnapshot,
  workers: readonly WorkerStanding[],
  now: number,
): Promise<WorkerRow[]> {
  if (schema === null) return [];
  const visible = (job: HeldJob): boolean => scope.coversTenant(job.tenant);
  const asked = workers.flatMap(({ holds }) => holds.filter(visible).slice(0, MAX_JOBS));
  const known = await readHeldJobs(client, schema, asked);
  const ended = await lastBusy(
    client,
    schema,
    workers.filter(({ state }) => state === 'idle'),
  );
  return workers.map(({ holds, doubts: _, ...worker }) => {
    const seen = holds.filter(visible);
    const jobs = seen
      .slice(0, MAX_JOBS)
      .flatMap((job) => known.get(jobName(job)) ?? [])
      .sort((a, b) => a.since - b.since);
    const since = sinceOf(worker, jobs, ended.get(workerKeyId(worker)) ?? null);
    return {
      ...worker,
      since: since === null ? null : Math.min(since, now),
      ...{ held: holds.length, jobs, otherJobs: holds.length - seen.length },
    };
  });
}

function sinceOf(
  worker: Omit<WorkerStanding, 'holds' | 'doubts'>,
  jobs: readonly CurrentJob[],
  ended: number | null,
): number | null {
  const { state, connectionSince, registered, retired } = worker;
  if (state === 'retired') return retired;
  // Jobs that the caller may not see do not say when they began.
  if (state === 'busy') return jobs[0]?.since ?? null;
  if (state === 'idle' && ended !== null) return Math.max(ended, connectionSince ?? ended);
  return connectionSince ?? registered;
}
