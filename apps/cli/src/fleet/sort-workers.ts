import { type WorkerRow } from '@quipu/read-models';

/** What workers are sorted by; a minus sign in front turns it about. */
export const WORKER_SORTS = ['worker', 'pool', 'type', 'host', 'state', 'since', 'lastHeartbeat'] as const;

/** One of {@link WORKER_SORTS}. */
export type WorkerSort = (typeof WORKER_SORTS)[number];

/** All that `--sort` takes. */
export const WORKER_SORT_WORDS = WORKER_SORTS.flatMap((name) => [name, `-${name}`]);

/** Workers in the order asked for; equal ones by tenant and name. What is not known comes first. */
export function sortWorkers(rows: readonly WorkerRow[], sort: string): WorkerRow[] {
  const by = sort.replace('-', '') as WorkerSort;
  const sign = sort.startsWith('-') ? -1 : 1;
  const value = (row: WorkerRow): string | number => row[by] ?? -1;
  return [...rows].sort(
    (a, b) =>
      sign * compare(value(a), value(b)) || compare(a.tenant, b.tenant) || compare(a.worker, b.worker),
  );
}

function compare(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
