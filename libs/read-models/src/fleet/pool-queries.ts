import type { Scope } from '@quipu/access';
import { shownSlots, type SlotStates } from '@quipu/ledger';
import { InvalidTimeRangeError } from '@quipu/platform';
import type { Pool } from 'pg';
import { inLedgerSnapshot, type LedgerSnapshot } from '../past/ledger-snapshot.js';
import { UsageQueries } from '../usage/usage-queries.js';
import { readWorkers } from './read-workers.js';
import { busyRatio } from './slot-seconds.js';
import { workerKeyId } from './worker-keys.js';
import { ownerOf } from './worker-queries.js';
import { WORKER_STATES, type WorkerStanding } from './worker-standing.js';

/** A pool now, and what its slots did over a window. A pool is of one tenant; '' are workers of none. */
export interface PoolRow extends SlotStates {
  readonly tenant: string;
  readonly pool: string;
  /** Registered workers that are not retired, and how many of them are in each state. */
  readonly workers: number;
  readonly states: Readonly<Record<(typeof WORKER_STATES)[number], number>>;
  /** Jobs that its workers can hold at once; those in touch; and how many of those are held. */
  readonly slots: number;
  readonly connectedSlots: number;
  readonly heldSlots: number;
  /** held / connected slots now; null if none is connected. */
  readonly ratioNow: number | null;
  /** busy / (busy + idle) over the window; null if neither. */
  readonly ratio: number | null;
  /** busy + idle + offline: the time that slots were registered, slot·ms. */
  readonly registered: bigint;
  /** How much of `offline` follows from workers that nobody saw go, slot·ms. */
  readonly estimated: bigint;
  /** Instances of the pool that are up. */
  readonly instances: number;
}

/** Pools at one position of the log. */
export interface PoolsAnswer {
  readonly position: bigint;
  readonly asOf: number;
  /** The window, ms. */
  readonly start: number;
  readonly end: number;
  readonly rows: PoolRow[];
}

/** What narrows a question about pools; the window in ms. */
export interface PoolsQuery {
  readonly now: number;
  readonly start: number;
  readonly end?: number;
  readonly tenant?: string;
  readonly pool?: string;
}

interface Gathered {
  readonly tenant: string;
  readonly pool: string;
  readonly workers: WorkerStanding[];
  instances: number;
  /** An event said that the pool exists. */
  told: boolean;
}

const LEVELS = ['busy', 'idle', 'offline'] as const;

/** What pools of workers do, and did: counts from the workers' own states, slot-seconds from their levels. */
export class PoolQueries {
  constructor(private readonly pool: Pool) {}

  /**
   * The pools inside the scope, ordered by tenant and name: those of workers, of instances that are up, and those that
   * were told of. Costs as much as there are workers. Time after `now` does not count.
   * @throws TenantForbiddenError if a filter lies outside the scope, or the scope is a single user's.
   * @throws InvalidTimeRangeError if the window ends before it starts.
   */
  async pools(scope: Scope, query: PoolsQuery): Promise<PoolsAnswer> {
    const { tenant } = ownerOf(scope, query.tenant);
    const { now, start, end = now } = query;
    if (end < start) throw new InvalidTimeRangeError('The window ends before it starts.');
    return inLedgerSnapshot(this.pool, async (snapshot) => {
      const { position } = snapshot;
      const pools = await gathered(snapshot, tenant ?? null, query);
      const window = { start, end: Math.min(end, now) };
      const times = await this.slotTimes(scope, snapshot, pools, { ...window, now });
      const rows = pools
        .map((pool) => ({ told: pool.told, row: rowOf(pool, times, window) }))
        .filter(({ told, row }) => told || row.workers > 0 || row.instances > 0 || row.registered > 0n)
        .map(({ row }) => row);
      rows.sort((a, b) => order(a.tenant, b.tenant) || order(a.pool, b.pool));
      return { position, asOf: now, start, end, rows };
    });
  }

  /** Raw sums of the levels of each worker over the window, by {@link workerKeyId}. */
  private async slotTimes(
    scope: Scope,
    { client }: LedgerSnapshot,
    pools: readonly Gathered[],
    window: { readonly start: number; readonly end: number; readonly now: number },
  ): Promise<Map<string, SlotStates>> {
    const found = new Map<string, { -readonly [K in keyof SlotStates]: SlotStates[K] }>();
    const workers = pools.flatMap((pool) => pool.workers);
    const keys = workers.map(workerKeyId);
    if (keys.length === 0 || window.end <= window.start) return found;
    const queries = new UsageQueries(this.pool);
    for (const level of LEVELS) {
      const { rows } = await queries.usage(
        scope,
        { ...window, level, keys, groupBy: ['tenant', 'cluster'] },
        client,
      );
      for (const { group, total } of rows) {
        const key = workerKeyId({ tenant: group.tenant ?? '', worker: group.cluster ?? '' });
        let times = found.get(key);
        if (times === undefined) found.set(key, (times = { busy: 0n, idle: 0n, offline: 0n }));
        times[level] = total;
      }
    }
    return found;
  }
}

async function gathered(
  { client, schema }: LedgerSnapshot,
  tenant: string | null,
  { pool: wanted, start }: PoolsQuery,
): Promise<Gathered[]> {
  if (schema === null) return [];
  const pools = new Map<string, Gathered>();
  const of = (owner: string, pool: string): Gathered | null => {
    if (wanted !== undefined && pool !== wanted) return null;
    const name = JSON.stringify([owner, pool]);
    let found = pools.get(name);
    if (found === undefined)
      pools.set(name, (found = { tenant: owner, pool, workers: [], instances: 0, told: false }));
    return found;
  };
  for (const worker of await readWorkers(client, schema, tenant === null ? null : [tenant], start)) {
    of(worker.tenant, worker.pool)?.workers.push(worker);
  }
  const { rows } = await client.query<{ family: string; tenant: string; labels: string; value: string }>({
    name: `pool-amounts-${schema}`,
    text: `SELECT a.family, a.tenant, a.labels, a.value FROM ${schema}.amounts a
            WHERE a.family IN ('quipu_instances', 'worker_pool_runtime:n') AND ($1::text IS NULL OR a.tenant = $1)`,
    values: [tenant],
  });
  for (const { family, tenant: owner, labels, value } of rows) {
    const { pool, worker_pool } = JSON.parse(labels) as { pool?: string; worker_pool?: string };
    const found = of(owner, pool ?? worker_pool ?? '');
    if (found === null) continue;
    if (family === 'quipu_instances') found.instances += Number(value);
    else found.told = true;
  }
  return [...pools.values()];
}

function rowOf(
  { tenant, pool, workers, instances }: Gathered,
  times: ReadonlyMap<string, SlotStates>,
  window: { readonly start: number; readonly end: number },
): PoolRow {
  const present = workers.filter(({ state }) => state !== 'retired');
  const states = Object.fromEntries(
    WORKER_STATES.map((state) => [state, present.filter((worker) => worker.state === state).length]),
  ) as Record<(typeof WORKER_STATES)[number], number>;
  const connected = present.filter((worker) => worker.connected);
  const raw = { busy: 0n, idle: 0n, offline: 0n };
  let estimated = 0n;
  for (const worker of workers) {
    const own = times.get(workerKeyId(worker));
    for (const level of LEVELS) raw[level] += own?.[level] ?? 0n;
    estimated += doubtful(worker, window);
  }
  const shown = shownSlots(raw);
  const slotsOf = (some: readonly WorkerStanding[]): number =>
    some.reduce((sum, worker) => sum + worker.slots, 0);
  const connectedSlots = slotsOf(connected);
  const heldSlots = connected.reduce((sum, { holds, slots }) => sum + Math.min(holds.length, slots), 0);
  return {
    ...{ tenant, pool, workers: present.length, states, instances },
    ...{ slots: slotsOf(present), connectedSlots, heldSlots },
    ratioNow: connectedSlots === 0 ? null : Math.floor((heldSlots * 10_000) / connectedSlots) / 10_000,
    ...{ ...shown, ratio: busyRatio(shown), registered: raw.busy + raw.idle + raw.offline },
    estimated: estimated < shown.offline ? estimated : shown.offline,
  };
}

/** Slot·ms within the window in which a worker counts as away though nobody saw it go. */
function doubtful(
  { doubts, slots }: WorkerStanding,
  window: { readonly start: number; readonly end: number },
): bigint {
  let ms = 0;
  for (const { start, end } of doubts) {
    ms += Math.max(0, Math.min(end ?? window.end, window.end) - Math.max(start, window.start));
  }
  return BigInt(ms) * BigInt(slots);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
