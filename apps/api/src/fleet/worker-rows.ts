import { type WorkerRow, type WorkerStanding } from '@quipu/read-models';
import { type CursorPart } from '../answers/cursor.js';
import { iso } from '../why/why-rows.js';
import { type WorkerSort } from './fleet-parameters.js';

/** Columns of the CSV: jobs need a place of their own, so they are only counted there. */
export const WORKER_COLUMNS = [
  ...['tenant', 'worker', 'type', 'pool', 'host', 'slots', 'state', 'since'],
  ...['held', 'otherJobs', 'lastHeartbeat', 'enabled', 'estimated'],
] as const;

/** A worker as it is written. */
export function writeWorker(row: WorkerRow) {
  const { tenant, worker, type, pool, host, slots, state, held, otherJobs, enabled, estimated } = row;
  return {
    ...{ tenant, worker, type, pool, host, slots, state, since: iso(row.since) },
    ...{ held, otherJobs, lastHeartbeat: iso(row.lastHeartbeat), enabled, estimated },
    jobs: row.jobs.map(({ since, ...job }) => ({ ...job, since: iso(since) })),
  };
}

/** What a list is sorted by, as parts of a cursor: the value asked for, then tenant and worker. */
export type WorkerPlace = readonly [value: CursorPart, tenant: string, worker: string];

/** A worker's place in a list. What is not known comes first. */
export function workerPlace(row: WorkerRow | WorkerStanding, sort: WorkerSort): WorkerPlace {
  const since = 'since' in row ? row.since : null;
  const value = (sort === 'since' ? since : row[sort]) ?? -1;
  return [value, row.tenant, row.worker];
}

/** Compares places; `descending` turns the value about, not what tells apart workers of the same one. */
export function comparePlaces(a: WorkerPlace, b: WorkerPlace, descending: boolean): number {
  const byValue = compare(a[0], b[0]);
  if (byValue !== 0) return descending ? -byValue : byValue;
  return compare(a[1], b[1]) || compare(a[2], b[2]);
}

function compare(a: CursorPart, b: CursorPart): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
