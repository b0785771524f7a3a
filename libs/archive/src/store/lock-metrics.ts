import { pgArray } from '@quipu/platform';
import type { ClientBase } from 'pg';
import { POLICY_COLUMNS, type PolicyRow, toPolicy } from '../catalogue/policies.js';
import type { ArchivePolicy } from '../policy/archive-policy.js';
import type { ResourceKey } from './reopen-resources.js';

/** A metric that this transaction has to itself. */
export interface LockedMetric {
  readonly id: string;
  readonly policy: ArchivePolicy;
  /** Bytes of what is kept of it besides splits. */
  readonly bytes: number;
  /** What it belongs to, if anything. */
  readonly resource: ResourceKey | null;
}

interface LockedRow {
  id: string;
  policy: string;
  tenant: string;
  resource: string | null;
}

/**
 * Locks metrics until the end of the transaction. Two statements: what is read of a metric must be read after its
 * lock is held, by a snapshot that sees what the holder before committed.
 * @param wait whether to wait for metrics that somebody else has locked, or to leave them out.
 */
export async function lockMetrics(
  client: ClientBase,
  ids: readonly string[],
  wait: boolean,
): Promise<LockedMetric[]> {
  const { rows } = await client.query<LockedRow>(
    `SELECT id, archive_policy_name AS policy, tenant, resource_id AS resource FROM archive_metrics
     WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE${wait ? '' : ' SKIP LOCKED'}`,
    [pgArray(ids)],
  );
  if (rows.length === 0) return [];
  const policies = await readPolicies(client, new Set(rows.map(({ policy }) => policy)));
  const sizes = await readSizes(
    client,
    rows.map(({ id }) => id),
  );
  return rows.flatMap(({ id, policy: name, tenant, resource: of }) => {
    const policy = policies.get(name);
    const resource = of === null ? null : { tenant, id: of };
    return policy === undefined ? [] : [{ id, policy, bytes: sizes.get(id) ?? 0, resource }];
  });
}

/** The ids among these that are metrics. */
export async function existingMetrics(client: ClientBase, ids: readonly string[]): Promise<Set<string>> {
  const { rows } = await client.query<{ id: string }>(
    `SELECT id FROM archive_metrics WHERE id = ANY($1::uuid[])`,
    [pgArray(ids)],
  );
  return new Set(rows.map(({ id }) => id));
}

async function readPolicies(
  client: ClientBase,
  names: ReadonlySet<string>,
): Promise<Map<string, ArchivePolicy>> {
  const { rows } = await client.query<PolicyRow>(
    `SELECT ${POLICY_COLUMNS} FROM archive_policies p WHERE p.name = ANY($1)`,
    [[...names]],
  );
  return new Map(rows.map((row) => [row.policy_name, toPolicy(row)]));
}

async function readSizes(client: ClientBase, ids: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await client.query<{ id: string; bytes: number }>(
    // The length of what is stored out of line is in its pointer: nothing is fetched for it.
    `SELECT metric_id AS id, octet_length(raw) + octet_length(tail) AS bytes FROM archive_series
     WHERE metric_id = ANY($1::uuid[])`,
    [pgArray(ids)],
  );
  return new Map(rows.map(({ id, bytes }) => [id, bytes]));
}
