import type { Scope } from '@quipu/access';
import type { Pool } from 'pg';
import {
  type DepthAnswer,
  type DepthFilters,
  type DepthQueries,
  type DepthRow,
} from '../depth/depth-queries.js';
import { inLedgerSnapshot } from '../past/ledger-snapshot.js';
import { type FlowLimits, FlowQueries, type QueueFlow } from './flow-queries.js';
import { ableWorkers } from './serving.js';
import { verdictOf } from './verdict.js';

/** Depth of a queue, how jobs flow through it, and what to think of it. */
export interface QueueStanding extends DepthRow, Omit<QueueFlow, 'tenant' | 'queue'> {
  /** Workers able to serve it; null where only a part was looked at, and no worker was seen in it. */
  readonly workers: number | null;
  /** A plain sentence, such as `growing: 40 in, 25 out per minute`. */
  readonly verdict: string;
}

/** Queues at one instant. Queues without jobs and without traffic within 15 minutes have no row. */
export interface QueuesAnswer extends Omit<DepthAnswer, 'rows'> {
  /** Waits, runs and workers come from one event of so many; 1: from all of them. */
  readonly sampled: number;
  /** How far back rates reach, ms: 15 minutes, or less where more happened than is read. */
  readonly reachMs: number;
  readonly rows: QueueStanding[];
}

const NO_FLOW = {
  arrivals: [0, 0, 0],
  departures: [0, 0, 0],
  completions: [0, 0, 0],
  waits: null,
  runs: null,
  ...{ estimated: false, taken: false },
} as const;
const NO_DEPTH = { queued: 0, delayed: 0, blocked: 0, inProgress: 0, oldestWaitingMs: null } as const;

/** Queues as people ask for them: depth and flow together. What was looked at is kept for the next question. */
export class QueueQueries {
  private readonly flows: FlowQueries;

  constructor(
    private readonly pool: Pool,
    private readonly depths: DepthQueries,
    limits: FlowLimits = {},
  ) {
    this.flows = new FlowQueries(pool, limits);
  }

  /**
   * Queues as of `now` (ms) inside the scope. Depth and flow are read some milliseconds apart; the answer stands at the
   * earlier of their positions.
   * @throws TenantForbiddenError if a filter lies outside the scope, or the scope is a single user's.
   */
  async queues(scope: Scope, now: number, filters: DepthFilters = {}): Promise<QueuesAnswer> {
    const depth = await this.depths.depth(scope, now, filters);
    const { flow, able } = await inLedgerSnapshot(this.pool, async (snapshot) => {
      const found = await this.flows.flowAt(scope, now, filters, snapshot);
      const tenant = scope.tenant ?? filters.tenant ?? null;
      return { flow: found, able: await ableWorkers(snapshot, found.attempts, tenant) };
    });
    const name = (tenant: string, queue: string): string => JSON.stringify([tenant, queue]);
    const flows = new Map(flow.rows.map((row) => [name(row.tenant, row.queue), row]));
    const depths = new Map(depth.rows.map((row) => [name(row.tenant, row.queue), row]));
    const rows = [...new Set([...depths.keys(), ...flows.keys()])].map((key) => {
      const { tenant, queue } = depths.get(key) ?? flows.get(key)!;
      const known = able.get(key) ?? (flow.sampled === 1 ? 0 : null);
      return standing(flow.sampled, able.has(key), {
        ...NO_DEPTH,
        ...NO_FLOW,
        ...flows.get(key),
        ...depths.get(key),
        ...{ tenant, queue, workers: known },
      });
    });
    rows.sort((a, b) => order(a.tenant, b.tenant) || order(a.queue, b.queue));
    const { sampled, reachMs } = flow;
    const position = flow.position < depth.position ? flow.position : depth.position;
    return { ...depth, position, sampled, reachMs, rows };
  }
}

function standing(sampled: number, workersSeen: boolean, row: Omit<QueueStanding, 'verdict'>): QueueStanding {
  const { arrivals, departures, completions, taken } = row;
  const verdict = verdictOf({
    ...row,
    ...{ arrivals: arrivals[1], departures: departures[1], completions: completions[1] },
    // A job that was removed while it waited is no sign that somebody serves the queue.
    ...{ recentlyTaken: sampled === 1 ? taken : departures[2] > 0, recentlyEnded: completions[2] > 0 },
    workersSeen,
  });
  return { ...row, verdict };
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
