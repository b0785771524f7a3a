import {
  type EntityKey,
  KIND_CODES,
  type LedgerSchema,
  NEVER_RETIRED,
  type WorkerState,
} from '@quipu/ledger';
import type { PoolClient } from 'pg';
import { type WorkerStanding, workerStanding } from './worker-standing.js';
import { type WorkerSpell, workerTimeline } from './worker-timeline.js';

/**
 * The workers of a tenant, or of all: the table's key begins with the tenant, so the tenants are looked up first, one
 * step of the index each, and of each its workers alone are read, those retired up to an instant left out by their index.
 */
export function workersStatement(schema: LedgerSchema): string {
  return `WITH RECURSIVE tenants (tenant) AS (
  SELECT CASE WHEN $1::text[] IS NULL THEN (SELECT e.tenant FROM ${schema}.entities e ORDER BY e.tenant LIMIT 1) END
  UNION ALL
  SELECT (SELECT e.tenant FROM ${schema}.entities e WHERE e.tenant > t.tenant ORDER BY e.tenant LIMIT 1)
    FROM tenants t WHERE t.tenant IS NOT NULL),
wanted (tenant) AS MATERIALIZED (
  SELECT t.tenant FROM tenants t WHERE t.tenant IS NOT NULL
  UNION ALL
  SELECT DISTINCT a.tenant FROM unnest($1::text[]) a (tenant))
SELECT w.tenant, e.id, e.state::text AS state FROM wanted w
 CROSS JOIN LATERAL (
   SELECT s.id, s.state FROM ${schema}.entities s
    WHERE s.tenant = w.tenant AND s.kind = ${KIND_CODES.worker} AND (s.state ->> 'registered') IS NOT NULL
      AND coalesce(s.retired_ms, ${NEVER_RETIRED}) > $2::bigint OFFSET 0) e`;
}

/**
 * The registered workers of these tenants; null: of all. Who was retired is left out, but for those that were after
 * `since` (ms).
 */
export async function readWorkers(
  client: PoolClient,
  schema: LedgerSchema,
  tenants: readonly string[] | null,
  since: number | null = null,
): Promise<WorkerStanding[]> {
  const { rows } = await client.query<{ tenant: string; id: string; state: string }>({
    name: `workers-${schema}`,
    text: workersStatement(schema),
    values: [tenants, since ?? String(BigInt(NEVER_RETIRED) - 1n)],
  });
  return rows.flatMap(({ tenant, id, state }) => {
    const key: EntityKey = { tenant, kind: 'worker', id };
    return workerStanding(key, JSON.parse(state) as WorkerState) ?? [];
  });
}

/** These workers, retired ones too; those that were never registered are left out. `id` is the subject without `worker/`. */
export async function readNamedWorkers(
  client: PoolClient,
  schema: LedgerSchema,
  names: readonly { readonly tenant: string; readonly id: string }[],
): Promise<WorkerStanding[]> {
  if (names.length === 0) return [];
  const { rows } = await client.query<{ tenant: string; id: string; state: string }>({
    name: `named-workers-${schema}`,
    text: `SELECT e.tenant, e.id, e.state::text AS state FROM unnest($1::text[], $2::text[]) a (tenant, id)
 CROSS JOIN LATERAL (
   SELECT * FROM ${schema}.entities s
    WHERE s.tenant = a.tenant AND s.kind = ${KIND_CODES.worker} AND s.id = a.id LIMIT 1) e`,
    values: [names.map(({ tenant }) => tenant), names.map(({ id }) => `worker/${id}`)],
  });
  return rows.flatMap(({ tenant, id, state }) => {
    const key: EntityKey = { tenant, kind: 'worker', id };
    return workerStanding(key, JSON.parse(state) as WorkerState) ?? [];
  });
}

/** A worker, and what became of its connections. */
export interface WorkerHistory {
  readonly standing: WorkerStanding;
  readonly timeline: WorkerSpell[];
}

/** One worker, retired ones too; null if none of this name was ever registered. */
export async function readWorker(
  client: PoolClient,
  schema: LedgerSchema,
  tenant: string,
  worker: string,
): Promise<WorkerHistory | null> {
  const key: EntityKey = { tenant, kind: 'worker', id: `worker/${worker}` };
  const { rows } = await client.query<{ state: string }>(
    `SELECT state::text AS state FROM ${schema}.entities WHERE tenant = $1 AND kind = $2 AND id = $3`,
    [tenant, KIND_CODES.worker, key.id],
  );
  if (rows[0] === undefined) return null;
  const state = JSON.parse(rows[0].state) as WorkerState;
  const standing = workerStanding(key, state);
  return standing === null ? null : { standing, timeline: workerTimeline(state) };
}
