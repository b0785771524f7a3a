import type { Scope } from '@quipu/access';
import type { Pool } from 'pg';
import { inLedgerSnapshot, type LedgerSnapshot } from '../past/ledger-snapshot.js';
import type { PastQueries } from '../past/past-queries.js';
import { ESTIMATED_LEVELS, LEVELS, type UsageLevel } from './dimensions.js';
import { type UsageAnswer, type UsageGroup, UsageQueries, type UsageQuery } from './usage-queries.js';

/** Usage of one group, and how much of it comes from intervals whose end is an estimate. */
export interface EstimatedGroup extends UsageGroup {
  /** Level·milliseconds per bucket of the answer: a part of `values`. */
  readonly estimated: bigint[];
  readonly estimatedTotal: bigint;
}

/** An answer about usage that tells its estimated part. */
export interface EstimatedUsage extends Omit<UsageAnswer, 'rows'> {
  readonly rows: EstimatedGroup[];
}

/** A question about the usage of a level that may hold estimates. */
export type EstimatedUsageQuery = UsageQuery & { readonly level: UsageLevel };

/** Usage that tells its estimated part, now and in the past. */
export class EstimatedUsageQueries {
  private readonly usages: UsageQueries;

  constructor(
    private readonly pool: Pool,
    private readonly asOf: PastQueries,
  ) {
    this.usages = new UsageQueries(pool);
  }

  /**
   * `UsageQueries.usage` with its estimated part, both from one snapshot. Where the ledger holds no estimate, which
   * takes one look, the question is asked once.
   * @throws TenantForbiddenError, InvalidTimeRangeError as usage does.
   */
  usage(scope: Scope, query: EstimatedUsageQuery): Promise<EstimatedUsage> {
    const level = ESTIMATED_LEVELS[query.level];
    return inLedgerSnapshot(this.pool, async (snapshot) => {
      const answer = await this.usages.usage(scope, query, snapshot.client);
      if (level === null || answer.start === null || !(await holdsAny(snapshot, level))) {
        return joined(answer, null);
      }
      const window = { ...query, level, start: answer.start, end: answer.end };
      return joined(answer, await this.usages.usage(scope, window, snapshot.client));
    });
  }

  /** The same as of a position of the log. */
  async past(scope: Scope, query: EstimatedUsageQuery, position: bigint): Promise<EstimatedUsage> {
    const level = ESTIMATED_LEVELS[query.level];
    const answer = await this.asOf.usage(scope, query, position);
    if (level === null || answer.start === null) return joined(answer, null);
    const window = { ...query, level, start: answer.start, end: answer.end };
    return joined(answer, await this.asOf.usage(scope, window, answer.position));
  }
}

async function holdsAny(
  { client, schema }: LedgerSnapshot,
  level: 'nodes_estimated' | 'running_estimated',
): Promise<boolean> {
  if (schema === null) return false;
  const { rows } = await client.query<{ any: boolean }>(
    `SELECT EXISTS (SELECT FROM ${schema}.changes c WHERE c.level = ${LEVELS[level]}) AS any`,
  );
  return rows[0]?.any ?? false;
}

function joined(answer: UsageAnswer, estimates: UsageAnswer | null): EstimatedUsage {
  const name = ({ group }: UsageGroup): string => JSON.stringify(Object.values(group));
  const parts = new Map((estimates?.rows ?? []).map((row) => [name(row), row]));
  return {
    ...answer,
    rows: answer.rows.map((row) => {
      const part = parts.get(name(row));
      return {
        ...row,
        estimated: part?.values ?? row.values.map(() => 0n),
        estimatedTotal: part?.total ?? 0n,
      };
    }),
  };
}
