import { type QueueStanding, type WorkerRow } from '@quipu/read-models';
import { sortWorkers } from '../fleet/sort-workers.js';
import { type TopData, type TopTenant } from './top-data.js';

/** What tenants may be ordered by; the first is where a view begins. */
export const TENANT_SORTS = ['queued', 'running', 'in', 'done', 'nodes', 'name'] as const;
/** What queues may be ordered by; the first is where a view begins. */
export const QUEUE_SORTS = ['queued', 'running', 'in', 'out', 'oldest', 'wait', 'name'] as const;
/** What workers may be ordered by; the first is where a view begins. */
export const WORKER_TOP_SORTS = ['state', 'for', 'heartbeat', 'jobs', 'pool', 'name'] as const;

/** How a screen is looked at. */
export interface TopView {
  readonly tenants: (typeof TENANT_SORTS)[number];
  readonly queues: (typeof QUEUE_SORTS)[number];
  readonly workers: (typeof WORKER_TOP_SORTS)[number];
  /** The other way about. */
  readonly reversed: boolean;
  readonly paused: boolean;
  readonly everyMs: number;
}

/** Where everybody begins. */
export const FIRST_VIEW: TopView = {
  ...{ tenants: 'queued', queues: 'queued', workers: 'state' },
  ...{ reversed: false, paused: false, everyMs: 2_000 },
};

/** Shortest time between two frames, ms. */
export const SHORTEST_MS = 500;
/** Longest time between two frames, ms. */
export const LONGEST_MS = 60_000;

/** What a key does: another view, or the end. Unknown keys do nothing. */
export function pressed(view: TopView, key: string): TopView | 'quit' {
  switch (key) {
    case 'q':
    case 'Q':
    case '\u0003':
    case '\u0004':
      return 'quit';
    case 't':
      return { ...view, tenants: next(TENANT_SORTS, view.tenants) };
    case 's':
      return { ...view, queues: next(QUEUE_SORTS, view.queues) };
    case 'w':
      return { ...view, workers: next(WORKER_TOP_SORTS, view.workers) };
    case 'r':
      return { ...view, reversed: !view.reversed };
    case 'p':
    case ' ':
      return { ...view, paused: !view.paused };
    case '+':
      return { ...view, everyMs: Math.min(LONGEST_MS, view.everyMs * 2) };
    case '-':
      return { ...view, everyMs: Math.max(SHORTEST_MS, view.everyMs / 2) };
    default:
      return view;
  }
}

/** The rows of a frame in the order of a view: the largest first, names from a to z. */
export function ordered(data: TopData, view: TopView): TopData {
  const turn = <T>(rows: T[]): T[] => (view.reversed ? rows.reverse() : rows);
  return {
    ...data,
    tenants: turn(byNumber(data.tenants, (row) => tenantValue(row, view.tenants), tenantName)),
    queues: turn(byNumber(data.queues, (row) => queueValue(row, view.queues), queueName)),
    workers: turn(orderedWorkers(data.workers, view.workers)),
  };
}

function next<T>(all: readonly T[], now: T): T {
  return all[(all.indexOf(now) + 1) % all.length]!;
}

function byNumber<T>(rows: readonly T[], value: (row: T) => number, name: (row: T) => string): T[] {
  return [...rows].sort((a, b) => value(b) - value(a) || (name(a) < name(b) ? -1 : 1));
}

const tenantName = ({ tenant }: TopTenant): string => tenant;
const queueName = ({ tenant, queue }: QueueStanding): string => JSON.stringify([tenant, queue]);

function tenantValue(row: TopTenant, sort: TopView['tenants']): number {
  switch (sort) {
    case 'queued':
      return row.queued;
    case 'running':
      return row.inProgress;
    case 'in':
      return row.arrivals;
    case 'done':
      return row.completions;
    case 'nodes':
      return Number(row.nodes);
    case 'name':
      return 0;
  }
}

function queueValue(row: QueueStanding, sort: TopView['queues']): number {
  switch (sort) {
    case 'queued':
      return row.queued;
    case 'running':
      return row.inProgress;
    case 'in':
      return row.arrivals[1];
    case 'out':
      return row.departures[1];
    case 'oldest':
      return row.oldestWaitingMs ?? -1;
    case 'wait':
      return row.waits?.meanMs ?? -1;
    case 'name':
      return 0;
  }
}

/** What asks for attention first. */
const STATES = ['lost', 'busy', 'idle', 'offline', 'retired'];

function orderedWorkers(rows: readonly WorkerRow[], sort: TopView['workers']): WorkerRow[] {
  switch (sort) {
    case 'state':
      return sortWorkers(rows, 'since').sort((a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state));
    case 'for':
      return sortWorkers(rows, 'since');
    case 'heartbeat':
      return sortWorkers(rows, 'lastHeartbeat');
    case 'jobs':
      return sortWorkers(rows, 'worker').sort((a, b) => b.held - a.held);
    case 'pool':
      return sortWorkers(rows, 'pool');
    case 'name':
      return sortWorkers(rows, 'worker');
  }
}
