import { PLATFORM_TENANT } from '@quipu/contracts';
import { type CurrentJob, jobName, readHeldJobs } from '../fleet/held-jobs.js';
import { readNamedWorkers, readWorkers } from '../fleet/read-workers.js';
import type { WorkerStanding } from '../fleet/worker-standing.js';
import type { LedgerSnapshot } from '../past/ledger-snapshot.js';
import type { RecentAttempt } from './recent-attempts.js';

/** Most jobs in progress that are looked at for their queues. */
const MAX_HELD = 5_000;
/** Most workers that took jobs lately and are retired, that are looked at for their pools. */
const MAX_GONE = 1_000;

/**
 * How many workers are able to serve each queue, by JSON of tenant and queue; a queue that nobody was seen to serve is
 * not in it. A worker was seen to serve a queue if it holds a job of it, or took one that ceased to wait or to run within
 * 15 minutes. Able to serve it are the workers in touch and enabled that were seen to, and those that share a pool with
 * one that was, whatever became of that one.
 * @param tenant whose jobs are looked at; null: of all.
 */
export async function ableWorkers(
  { client, schema }: LedgerSnapshot,
  attempts: readonly RecentAttempt[],
  tenant: string | null,
): Promise<Map<string, number>> {
  if (schema === null) return new Map();
  const named = attempts.flatMap(({ worker }) => (worker === null ? [] : [worker.tenant]));
  const owners = tenant === null ? null : [...new Set([tenant, PLATFORM_TENANT, ...named])];
  const workers = await readWorkers(client, schema, owners);
  // Those that are retired are looked at by name: there may be any number of them.
  const there = new Set(workers.map((one) => nameOf(one.tenant, one.worker)));
  const gone = new Map(
    attempts.flatMap(({ worker }) =>
      worker === null || there.has(nameOf(worker.tenant, worker.id))
        ? []
        : [[nameOf(worker.tenant, worker.id), worker]],
    ),
  );
  workers.push(...(await readNamedWorkers(client, schema, [...gone.values()].slice(0, MAX_GONE))));
  const held = workers
    .flatMap(({ holds }) => holds.filter((job) => tenant === null || job.tenant === tenant))
    .slice(0, MAX_HELD);
  return countAble(workers, attempts, await readHeldJobs(client, schema, held));
}

/** The pure part of {@link ableWorkers}. @param jobs that workers hold, by name. */
export function countAble(
  workers: readonly WorkerStanding[],
  attempts: readonly Pick<RecentAttempt, 'tenant' | 'queue' | 'worker'>[],
  jobs: ReadonlyMap<string, CurrentJob>,
): Map<string, number> {
  const byName = new Map(workers.map((worker) => [nameOf(worker.tenant, worker.worker), worker]));
  const seen = new Map<string, Set<WorkerStanding>>();
  const see = (queue: string, worker: WorkerStanding): void => {
    const found = seen.get(queue);
    if (found === undefined) seen.set(queue, new Set([worker]));
    else found.add(worker);
  };
  for (const { tenant, queue, worker } of attempts) {
    const known = worker === null ? undefined : byName.get(nameOf(worker.tenant, worker.id));
    if (known !== undefined) see(nameOf(tenant, queue), known);
  }
  for (const worker of workers) {
    for (const job of worker.holds) {
      const current = jobs.get(jobName(job));
      if (current !== undefined) see(nameOf(current.tenant, current.queue), worker);
    }
  }
  const pools = new Map<string, WorkerStanding[]>();
  for (const worker of workers) {
    if (!isAble(worker)) continue;
    const pool = poolOf(worker);
    const members = pools.get(pool);
    if (members === undefined) pools.set(pool, [worker]);
    else members.push(worker);
  }
  return new Map(
    [...seen].map(([queue, servers]) => {
      const able = new Set<string>();
      for (const pool of new Set([...servers].map(poolOf))) {
        for (const { tenant, worker } of pools.get(pool) ?? []) able.add(nameOf(tenant, worker));
      }
      return [queue, able.size] as const;
    }),
  );
}

/** In touch, enabled and not gone for good. */
function isAble({ state, enabled }: WorkerStanding): boolean {
  return enabled && (state === 'busy' || state === 'idle');
}

/** Workers share a pool within a tenant; one without a pool shares with nobody. */
function poolOf({ tenant, pool, worker }: WorkerStanding): string {
  return pool === '' ? JSON.stringify([tenant, '', worker]) : JSON.stringify([tenant, pool]);
}

function nameOf(tenant: string, name: string): string {
  return JSON.stringify([tenant, name]);
}
