import type { Pool } from 'pg';
import { CatalogueError } from './catalogue-error.js';

/** Metrics that one resource may have: whoever asks for it gets the names of all of them. */
export const MOST_METRICS = 10_000;

/** A resource that is to get metrics. */
export interface Growing {
  readonly tenant: string;
  readonly resourceId: string;
  readonly added: number;
}

/** @throws CatalogueError (too-many-metrics) if a resource would have more metrics than it may. */
export async function needRoom(
  client: Pick<Pool, 'query'>,
  growing: readonly Growing[],
  most = MOST_METRICS,
): Promise<void> {
  if (growing.every(({ added }) => added === 0)) return;
  const { rows } = await client.query<{ id: string }>(
    `SELECT g.id FROM unnest($1::text[], $2::uuid[], $3::int[]) AS g (tenant, id, added)
      WHERE g.added > $4::int - (SELECT count(*) FROM archive_metrics m
                                  WHERE m.tenant = g.tenant AND m.resource_id = g.id)
      LIMIT 1`,
    [
      growing.map(({ tenant }) => tenant),
      growing.map(({ resourceId }) => resourceId),
      growing.map(({ added }) => added),
      most,
    ],
  );
  const [full] = rows;
  if (full === undefined) return;
  throw new CatalogueError('too-many-metrics', full.id, `Resource ${full.id} may have ${most} metrics`);
}

/** How many metrics each resource gets that any of some new ones belongs to. */
export function growthOf(
  metrics: readonly { readonly tenant: string; readonly resourceId: string | null }[],
): Growing[] {
  const growing = new Map<string, Growing>();
  for (const { tenant, resourceId } of metrics) {
    if (resourceId === null) continue;
    const key = `${resourceId}@${tenant}`;
    growing.set(key, { tenant, resourceId, added: (growing.get(key)?.added ?? 0) + 1 });
  }
  return [...growing.values()];
}
