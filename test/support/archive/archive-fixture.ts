import { randomUUID } from 'node:crypto';
import {
  type ArchivePolicy,
  ArchivePolicies,
  type MeasuresBatch,
  type Points,
  PointsBuilder,
} from '@quipu/archive';
import type { Pool } from 'pg';
import type { DirectMeasure } from './direct-archive.js';

const SECOND = 1_000_000_000n;

/** A policy of resolutions given as `[granularity in ns, points]`. */
export function policyOf(
  definition: readonly (readonly [bigint, number | null])[],
  aggregationMethods: readonly string[],
  backWindow = 0,
): ArchivePolicy {
  return {
    name: `policy-${randomUUID()}`,
    backWindow,
    definition: definition.map(([granularityNs, points]) => ({
      granularityNs,
      points,
      timespanNs: points === null ? null : granularityNs * BigInt(points),
    })),
    aggregationMethods,
  };
}

/** Adds a policy and so many metrics of it; answers with their ids. */
export async function createMetrics(pool: Pool, policy: ArchivePolicy, count: number): Promise<string[]> {
  const policies = new ArchivePolicies(pool);
  if (!(await policies.list()).some(({ name }) => name === policy.name)) await policies.create(policy);
  const { rows } = await pool.query<{ id: string }>(
    `INSERT INTO archive_metrics (id, tenant, creator, archive_policy_name, created_ms)
     SELECT gen_random_uuid(), 'superadmin', 'admin', $1, 0 FROM generate_series(1, $2::int) RETURNING id`,
    [policy.name, count],
  );
  return rows.map(({ id }) => id);
}

/** Measures as points. */
export function pointsOfMeasures(measures: readonly DirectMeasure[]): Points {
  const builder = new PointsBuilder(measures.length);
  for (const [at, value] of measures) builder.add(Number(at / SECOND), Number(at % SECOND), value);
  return builder.build();
}

/** A batch of measures by metric. */
export function batchOf(measures: ReadonlyMap<string, readonly DirectMeasure[]>): MeasuresBatch {
  return {
    id: randomUUID(),
    parts: [...measures].map(([metricId, of]) => ({ metricId, points: pointsOfMeasures(of) })),
  };
}

/** Points as measures. */
export function measuresOfPoints({ seconds, nanos, values }: Points): DirectMeasure[] {
  return Array.from(values, (value, i) => [BigInt(seconds[i]!) * SECOND + BigInt(nanos[i]!), value]);
}
