import { type EntityKey, type WorkerState, workerView, type WorkerView } from '@quipu/ledger';
import { type WorkerSpell, workerTimeline } from './worker-timeline.js';

/** What a worker is doing. */
export const WORKER_STATES = ['busy', 'idle', 'offline', 'lost'] as const;

/** One of {@link WORKER_STATES}, or `retired`: gone for good, and in no list. */
export type WorkerStateName = (typeof WORKER_STATES)[number] | 'retired';

/** A job as a worker knows it. */
export interface HeldJob {
  readonly tenant: string;
  /** Its subject, `job/…`. */
  readonly id: string;
}

/** What is known of a worker from its own facts, and from the jobs that hold it. Times in ms. */
export interface WorkerStanding {
  readonly tenant: string;
  /** Its subject without `worker/`. */
  readonly worker: string;
  readonly type: string;
  readonly pool: string;
  readonly host: string;
  /** Jobs it can hold at once. */
  readonly slots: number;
  readonly enabled: boolean;
  readonly connected: boolean;
  readonly state: WorkerStateName;
  /** When it was connected, left or was lost; null if it never was. */
  readonly connectionSince: number | null;
  /** It is lost as far as can be told: nobody saw it go. */
  readonly estimated: boolean;
  readonly lastHeartbeat: number | null;
  readonly registered: number | null;
  readonly retired: number | null;
  readonly holds: readonly HeldJob[];
  /** Times in which it counts as away from when it was last heard of, since nobody saw it go. */
  readonly doubts: readonly WorkerSpell[];
}

/** Resolves a worker's state; null for one that was never registered: a name that jobs mentioned. */
export function workerStanding(key: EntityKey, state: WorkerState): WorkerStanding | null {
  const view = workerView(state);
  if (view.registeredAt === null) return null;
  const { type, pool, host, slots, enabled, connected, lastHeartbeat, holds } = view;
  const away = awayOf(view);
  return {
    ...{ tenant: key.tenant, worker: key.id.slice('worker/'.length), type, pool, host, slots, enabled },
    ...{ connected, state: stateOf(view, away), lastHeartbeat },
    connectionSince: connected ? (view.connection?.since ?? null) : away.since,
    estimated: !connected && away.estimated,
    ...{ registered: view.registeredAt, retired: view.retiredAt, holds: holds.map(heldJob) },
    doubts: workerTimeline(state).filter((spell) => spell.estimated),
  };
}

interface Away {
  readonly lost: boolean;
  readonly since: number | null;
  readonly estimated: boolean;
}

/** How a worker that is not in touch came to be so. */
function awayOf({ connection, lastHeartbeat }: WorkerView): Away {
  if (connection !== null && connection.kind !== 'connected') {
    return { lost: connection.kind === 'lost', since: connection.since, estimated: connection.estimated };
  }
  // It only ever sent heartbeats, and was given up after the last.
  if (lastHeartbeat !== null) return { lost: true, since: lastHeartbeat, estimated: true };
  return { lost: false, since: null, estimated: false };
}

function stateOf({ retiredAt, connected, busy }: WorkerView, away: Away): WorkerStateName {
  if (retiredAt !== null) return 'retired';
  if (!connected) return away.lost ? 'lost' : 'offline';
  return busy ? 'busy' : 'idle';
}

/** The job that a link of the ledger names. */
function heldJob(name: string): HeldJob {
  const [tenant, id] = JSON.parse(name) as [string, string];
  return { tenant, id };
}
