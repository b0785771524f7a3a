import type { CountedMembers } from '../totals/totals-replica.js';
import type { TotalsFamily } from '../totals/totals-family.js';
import type { CounterFloors } from './counter-floors.js';
import { idPart, type MetricPoint, type PointType } from './points.js';
import { SUPERADMIN_TENANT } from '@quipu/access';

/** The totals that points are made of: names of stored families. */
export const POINT_FAMILIES: ReadonlySet<string> = new Set([
  ...['jobs', 'quipu_events', 'quipu_node_seconds', 'quipu_node_seconds:rate'],
  ...['quipu_workers', 'worker_seconds', 'worker_pool_runtime:n'],
  ...['file_store_size', 'file_store_size:n', 'file_store_max_size'],
]);

/** Totals at one instant, as {@link ledgerPoints} reads them. */
export interface PointTotals {
  /** The series of one of {@link POINT_FAMILIES}. */
  readonly family: (name: string) => TotalsFamily;
  /** Jobs that wait, per tenant and queue, counted at or above the first millisecond that is not yet due. */
  readonly waiting: readonly Pick<CountedMembers, 'tenant' | 'atLeast' | 'total'>[];
}

/** Text in the order of its code units; the same on every machine. */
const inOrder = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * What the ledger's totals come to at an instant: file stores, then pools, then tenants, each in the order of their ids.
 * @param nowMs what time accrues up to, ms.
 * @param floors is brought up to date.
 */
export function ledgerPoints(totals: PointTotals, nowMs: number, floors: CounterFloors): MetricPoint[] {
  return [...datastorePoints(totals), ...poolPoints(totals), ...tenantPoints(totals, nowMs, floors)];
}

/** File stores. Those of other tenants than the platform's carry the tenant, since names are only theirs. */
function datastorePoints({ family }: PointTotals): MetricPoint[] {
  const stores = new Map<string, { used: bigint; most: bigint }>();
  const add = (name: string, part: 'used' | 'most', isNew: boolean): void => {
    for (const { tenant, labels, value } of family(name).series.values()) {
      const store = labels['name'] ?? '';
      if (store === '') continue;
      const path = tenant === SUPERADMIN_TENANT ? idPart(store) : `${idPart(tenant)}/${idPart(store)}`;
      let found = stores.get(path);
      if (found === undefined) {
        if (!isNew) continue;
        stores.set(path, (found = { used: 0n, most: 0n }));
      }
      if (name !== 'file_store_size:n') found[part] += BigInt(value);
    }
  };
  add('file_store_size:n', 'used', true);
  add('file_store_size', 'used', true);
  add('file_store_max_size', 'most', false);
  return [...stores]
    .sort(([a], [b]) => inOrder(a, b))
    .flatMap(([path, { used, most }]) => {
      const gauge = pointsOf(`datastore/${path}`, 'gauge');
      // A store that nobody set a limit for has no total, and nothing says what is free.
      if (most === 0n) return [gauge('disk_used', used)];
      return [
        gauge('disk_total', most),
        gauge('disk_used', used),
        gauge('disk_available', most > used ? most - used : 0n),
      ];
    });
}

function poolPoints({ family }: PointTotals): MetricPoint[] {
  const pools = new Map<string, { busy: bigint; connected: bigint }>();
  const poolOf = (name: string | undefined): { busy: bigint; connected: bigint } | null => {
    if (name === undefined || name === '') return null;
    let pool = pools.get(name);
    if (pool === undefined) pools.set(name, (pool = { busy: 0n, connected: 0n }));
    return pool;
  };
  for (const { labels } of family('worker_pool_runtime:n').series.values()) poolOf(labels['worker_pool']);
  for (const { labels } of family('worker_seconds').series.values()) poolOf(labels['pool']);
  for (const { labels, value } of family('quipu_workers').series.values()) {
    const pool = poolOf(labels['pool']);
    const state = labels['state'];
    if (pool === null) continue;
    if (state === 'busy') pool.busy += BigInt(value);
    if (state === 'busy' || state === 'idle') pool.connected += BigInt(value);
  }
  return [...pools]
    .sort(([a], [b]) => inOrder(a, b))
    .flatMap(([name, { busy, connected }]) => {
      const gauge = pointsOf(`pool/${idPart(name)}`, 'gauge');
      return [gauge('busy', busy), gauge('connected', connected)];
    });
}

interface TenantNumbers {
  queued: number;
  inProgress: bigint;
  nodeMs: bigint;
}

function tenantPoints(totals: PointTotals, nowMs: number, floors: CounterFloors): MetricPoint[] {
  const tenants = new Map<string, TenantNumbers>();
  const numbersOf = (tenant: string): TenantNumbers => {
    let numbers = tenants.get(tenant);
    if (numbers === undefined) tenants.set(tenant, (numbers = { queued: 0, inProgress: 0n, nodeMs: 0n }));
    return numbers;
  };
  const { family, waiting } = totals;
  // Events are counted for ever: whoever has sent one keeps its rows, with zeros when nothing is left to do.
  for (const { tenant } of family('quipu_events').series.values()) numbersOf(tenant);
  for (const { tenant, labels, value } of family('jobs').series.values()) {
    const state = labels['state'];
    if (state === 'assigned' || state === 'running') numbersOf(tenant).inProgress += BigInt(value);
  }
  for (const { tenant, atLeast, total } of waiting) numbersOf(tenant).queued += total - (atLeast[0] ?? 0);
  for (const { tenant, value } of family('quipu_node_seconds').series.values()) {
    numbersOf(tenant).nodeMs += BigInt(value);
  }
  for (const { tenant, value } of family('quipu_node_seconds:rate').series.values()) {
    numbersOf(tenant).nodeMs += BigInt(value) * BigInt(nowMs);
  }
  return [...tenants]
    .sort(([a], [b]) => inOrder(a, b))
    .flatMap(([tenant, numbers]) => {
      const id = `tenant/${idPart(tenant)}`;
      const gauge = pointsOf(id, 'gauge');
      const seconds = Math.max(0, Number(numbers.nodeMs) / 1000);
      return [
        gauge('queued', numbers.queued),
        gauge('in_progress', numbers.inProgress),
        pointsOf(id, 'counter')('node_seconds', floors.shown(id, seconds, nowMs)),
      ];
    });
}

function pointsOf(id: string, type: PointType) {
  return (metric: string, value: number | bigint): MetricPoint => ({
    id,
    metric,
    type,
    value: Number(value),
  });
}
