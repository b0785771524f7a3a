import type { Scope } from '@quipu/access';
import {
  LEDGER_PROJECTION,
  type MemberCounts,
  type TotalAmount,
  TotalsReader,
  type UnusableReason,
} from '@quipu/ledger';
import { TenantForbiddenError } from '@quipu/platform';
import type { Redis } from 'ioredis';
import type { Pool, PoolClient } from 'pg';
import { LiveLedger } from '../live-ledger.js';
import { withinScope } from '../scoped-filters.js';
import { type DepthStatementRow, depthStatement } from './depth-statement.js';

/** Depth of one queue of one tenant; `queue` is '' for jobs that named none. */
export interface DepthRow {
  readonly tenant: string;
  readonly queue: string;
  /** Waiting, due, unblocked, held by nobody. */
  readonly queued: number;
  /** Waiting, but not due yet. */
  readonly delayed: number;
  readonly blocked: number;
  /** Assigned or started, not ended. */
  readonly inProgress: number;
  /** Age of the oldest queued job, ms; null when none is queued. */
  readonly oldestWaitingMs: number | null;
}

/** Depth at one instant and one position of the log. Queues without jobs have no row. */
export interface DepthAnswer {
  readonly position: bigint;
  /** The instant the answer stands at, ms. */
  readonly asOf: number;
  readonly source: 'redis' | 'postgres';
  /** Why Redis could not answer; absent when it did, or was not asked. */
  readonly fallback?: UnusableReason | 'behind';
  readonly rows: DepthRow[];
}

/** What may narrow a depth question. */
export interface DepthFilters {
  readonly tenant?: string;
  readonly queue?: string;
}

interface Standing {
  epoch: string;
  position: bigint;
}

/**
 * Queue depth, per tenant and queue. Answers from the running totals in Redis when they are those of this ledger
 * and stand at the checkpoint or past it; else from Postgres, which holds the same numbers.
 */
export class DepthQueries {
  private readonly ledger: LiveLedger;
  private readonly totals: TotalsReader | null;

  constructor(
    private readonly pool: Pool,
    redis: Redis | null,
  ) {
    this.ledger = new LiveLedger(pool);
    this.totals = redis === null ? null : new TotalsReader(redis);
  }

  /**
   * Depth as of `now` (ms) inside the scope; `client` asks Postgres, inside its own transaction.
   * @throws TenantForbiddenError if a filter lies outside the scope, or the scope is a single user's: queues are
   *   counted per tenant.
   */
  async depth(
    scope: Scope,
    now: number,
    filters: DepthFilters = {},
    client?: PoolClient,
  ): Promise<DepthAnswer> {
    if (scope.kind === 'user') {
      throw new TenantForbiddenError('Queue depth is counted per tenant: it needs an admin of the tenant.');
    }
    const { tenant } = withinScope<{ tenant?: string }>(scope, tenantOnly(filters));
    const wanted = (row: DepthRow): boolean => filters.queue === undefined || row.queue === filters.queue;
    const fromRedis = client === undefined ? await this.fromTotals(now, tenant) : 'none';
    if (typeof fromRedis === 'object') return { ...fromRedis, rows: fromRedis.rows.filter(wanted) };
    const { position, rows } = await this.ledger.read<Record<string, unknown> & DepthStatementRow>(
      (schema) => depthStatement(schema, now, tenant ?? null),
      client,
    );
    const found = rows.filter((row) => row.tenant !== null).map((row) => toRow(row, now));
    const fallback = fromRedis === 'none' ? {} : { fallback: fromRedis };
    return { position, asOf: now, source: 'postgres', ...fallback, rows: found.filter(wanted) };
  }

  private async fromTotals(
    now: number,
    tenant: string | undefined,
  ): Promise<DepthAnswer | UnusableReason | 'behind' | 'none'> {
    if (this.totals === null) return 'none';
    const standing = await this.standing();
    if (standing === null) return 'missing';
    const answer = await this.totals.depth({
      epoch: standing.epoch,
      now,
      ...(tenant === undefined ? {} : { tenant }),
    });
    if (!answer.usable) return answer.reason;
    // A projector killed between commit and mirror leaves totals behind until the next one heals them.
    if (answer.position < standing.position) return 'behind';
    return {
      position: answer.position,
      asOf: now,
      source: 'redis',
      rows: merge(answer.jobs, answer.waiting, now),
    };
  }

  /** The live checkpoint; null when there is none. */
  private async standing(): Promise<Standing | null> {
    const { rows } = await this.pool.query<{ position: string; epoch: string }>({
      name: 'depth-standing',
      text: `SELECT p.position, e.epoch FROM projections p CROSS JOIN ledger_epoch e
              WHERE p.name = $1 AND p.status = 'live'`,
      values: [LEDGER_PROJECTION],
    });
    return rows[0] ? { epoch: rows[0].epoch, position: BigInt(rows[0].position) } : null;
  }
}

function tenantOnly({ tenant }: DepthFilters): { tenant?: string } {
  return tenant === undefined ? {} : { tenant };
}

function toRow(row: DepthStatementRow, now: number): DepthRow {
  return {
    tenant: row.tenant ?? '',
    queue: row.queue ?? '',
    queued: Number(row.due),
    delayed: Number(row.later),
    blocked: Number(row.blocked),
    inProgress: Number(row.in_progress),
    oldestWaitingMs: row.oldest === null ? null : now - Number(row.oldest),
  };
}

/** Joins amounts and member counts into the rows that Postgres would give, in its order. */
function merge(jobs: readonly TotalAmount[], waiting: readonly MemberCounts[], now: number): DepthRow[] {
  const rows = new Map<string, { -readonly [K in keyof DepthRow]: DepthRow[K] }>();
  const rowOf = (tenant: string, queue: string): { -readonly [K in keyof DepthRow]: DepthRow[K] } => {
    const key = JSON.stringify([tenant, queue]);
    let row = rows.get(key);
    if (row === undefined) {
      row = { tenant, queue, queued: 0, delayed: 0, blocked: 0, inProgress: 0, oldestWaitingMs: null };
      rows.set(key, row);
    }
    return row;
  };
  for (const { tenant, labels, value } of jobs) {
    const state = labels['state'];
    if (state !== 'blocked' && state !== 'assigned' && state !== 'running') continue;
    const row = rowOf(tenant, labels['queue'] ?? '');
    if (state === 'blocked') row.blocked += Number(value);
    else row.inProgress += Number(value);
  }
  for (const { tenant, labels, due, later, oldest } of waiting) {
    if (due + later === 0) continue;
    const row = rowOf(tenant, labels['queue'] ?? '');
    row.queued += due;
    row.delayed += later;
    row.oldestWaitingMs = oldest === null ? null : now - oldest;
  }
  return [...rows.values()].sort((a, b) => order(a.tenant, b.tenant) || order(a.queue, b.queue));
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
