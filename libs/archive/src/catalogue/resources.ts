import { type Scope, SUPERADMIN_TENANT } from '@quipu/access';
import { withTransaction } from '@quipu/platform';
import type { Pool } from 'pg';
import { brokenConstraint, CatalogueError } from './catalogue-error.js';
import { knownTo, type Owner, Parameters } from './ownership.js';
import { after, invalidPage, orderBy, type Page, type SortKey } from './page.js';
import { needRoom } from './room.js';

/** Something that metrics belong to. Times are microseconds since the epoch. */
export interface ArchiveResource extends Owner {
  /** A UUID; two tenants may have resources of the same id. */
  readonly id: string;
  readonly type: string;
  /** The id as its creator wrote it. */
  readonly originalId: string;
  readonly userId: string | null;
  readonly projectId: string | null;
  readonly startedUs: bigint;
  readonly endedUs: bigint | null;
  readonly revisionStartUs: bigint;
  /** Ids of its metrics, by name. */
  readonly metrics: ReadonlyMap<string, string>;
}

/** What makes a resource. */
export type NewResource = Omit<ArchiveResource, 'metrics'> & {
  /** Metrics that are made with it. */
  readonly metrics: readonly NamedMetric[];
  /** Metrics that exist and become its own, by name. */
  readonly adopted: ReadonlyMap<string, string>;
};

/** A metric of a resource that is to be made. */
export interface NamedMetric {
  readonly id: string;
  readonly name: string;
  readonly unit: string | null;
  readonly policy: string;
}

interface ResourceRow {
  id: string;
  tenant: string;
  type: string;
  original_resource_id: string;
  creator: string;
  user_id: string | null;
  project_id: string | null;
  started_us: string;
  ended_us: string | null;
  revision_start_us: string;
  metrics: Record<string, string>;
}

const SHOWN = `r.id, r.tenant, r.type, r.original_resource_id, r.creator, r.user_id, r.project_id,
    r.started_us, r.ended_us, r.revision_start_us,
    (SELECT coalesce(json_object_agg(m.name, m.id), '{}') FROM archive_metrics m
      WHERE m.tenant = r.tenant AND m.resource_id = r.id) AS metrics`;
const SELECT = `SELECT ${SHOWN} FROM archive_resources r`;

/** Metrics that a page of resources has at most, unless the first of them has more. */
const MOST_LISTED = 50_000;

const COLUMNS = {
  id: 'r.id',
  type: 'r.type',
  original_resource_id: 'r.original_resource_id',
  creator: 'r.creator',
  user_id: 'r.user_id',
  project_id: 'r.project_id',
  started_at: 'r.started_us',
  ended_at: 'r.ended_us',
  revision_start: 'r.revision_start_us',
  tenant: 'r.tenant',
};

/** Names that a list of resources may be sorted by. */
export const RESOURCE_SORT_KEYS: ReadonlySet<string> = new Set(
  Object.keys(COLUMNS).filter((key) => key !== 'tenant'),
);

/** A page of resources. */
export interface ResourcePage {
  readonly resources: readonly ArchiveResource[];
  /** True unless it is known to be the last one. */
  readonly mayGoOn: boolean;
}

/** The resources. What a scope's tenant does not own does not exist within it. */
export class ArchiveResources {
  /** @param mostListed metrics that a page has at most, unless its first resource has more. */
  constructor(
    private readonly pool: Pool,
    private readonly mostListed = MOST_LISTED,
  ) {}

  /**
   * Adds a resource with its metrics.
   * @throws CatalogueError (resource-exists, no-such-policy, no-such-metric, too-many-metrics)
   */
  async create(resource: NewResource, nowMs: number): Promise<ArchiveResource> {
    await withTransaction(this.pool, async (client) => {
      const { rowCount } = await client.query(
        `INSERT INTO archive_resources (tenant, id, type, original_resource_id, creator, user_id, project_id,
           started_us, ended_us, revision_start_us)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
        [
          ...[resource.tenant, resource.id, resource.type, resource.originalId, resource.creator],
          ...[resource.userId, resource.projectId, resource.startedUs, resource.endedUs],
          resource.revisionStartUs,
        ],
      );
      if (rowCount === 0) {
        const message = `Resource ${resource.id} already exists`;
        throw new CatalogueError('resource-exists', resource.id, message);
      }
      await addNamed(client, resource, resource.id, resource, nowMs);
    });
    return this.get(resource.tenant, resource.id);
  }

  /**
   * Adds metrics to a resource.
   * @throws CatalogueError (no-such-policy, metric-exists, no-such-metric, no-such-resource, too-many-metrics)
   */
  async addMetrics(
    owner: Owner,
    id: string,
    added: Pick<NewResource, 'metrics' | 'adopted'>,
    nowMs: number,
  ): Promise<void> {
    await withTransaction(this.pool, (client) => addNamed(client, owner, id, added, nowMs));
  }

  /** The resource of this id within the scope; the platform's own before others'. Null if there is none. */
  async find(scope: Scope, id: string): Promise<ArchiveResource | null> {
    const parameters = new Parameters();
    const condition = `r.id = ${parameters.add(id)} AND ${knownTo(scope, 'r.tenant', parameters)}`;
    const { rows } = await this.pool.query<ResourceRow>(
      `${SELECT} WHERE ${condition} ORDER BY (r.tenant = ${parameters.add(SUPERADMIN_TENANT)}) DESC, r.tenant LIMIT 1`,
      parameters.values,
    );
    return rows[0] === undefined ? null : toResource(rows[0]);
  }

  /** Which of these ids are resources within the scope, each with whose it is; the platform's own before others'. */
  async owners(scope: Scope, ids: readonly string[]): Promise<Map<string, Owner>> {
    const parameters = new Parameters();
    const { rows } = await this.pool.query<{ id: string; tenant: string; creator: string }>(
      `SELECT r.id, r.tenant, r.creator FROM archive_resources r
        WHERE r.id = ANY (${parameters.add(ids)}::uuid[]) AND ${knownTo(scope, 'r.tenant', parameters)}
        ORDER BY (r.tenant = ${parameters.add(SUPERADMIN_TENANT)}), r.tenant DESC`,
      parameters.values,
    );
    return new Map(rows.map(({ id, tenant, creator }) => [id, { tenant, creator }]));
  }

  /**
   * A page of the resources that exist within the scope. It is shorter than asked for if they have many metrics.
   * @throws CatalogueError (invalid-page)
   */
  async list(scope: Scope, page: Page): Promise<ResourcePage> {
    const sort = withId(page.sort);
    const parameters = new Parameters();
    const conditions = [knownTo(scope, 'r.tenant', parameters)];
    if (page.marker !== undefined) {
      const marker = await this.marked(scope, page.marker);
      if (marker === null) throw invalidPage(`Invalid marker: \`${page.marker}'`);
      conditions.push(after(sort, COLUMNS, sortValues(marker), parameters));
    }
    const order = orderBy(sort, COLUMNS);
    const { rows } = await this.pool.query<ResourceRow & { found: number }>(
      `WITH page AS MATERIALIZED (
         SELECT r.*, row_number() OVER (ORDER BY ${order}) AS place,
           (SELECT count(*) FROM archive_metrics m WHERE m.tenant = r.tenant AND m.resource_id = r.id) AS size
         FROM archive_resources r WHERE ${conditions.join(' AND ')}
         ORDER BY ${order} LIMIT ${parameters.add(page.limit)})
       SELECT ${SHOWN}, (SELECT count(*)::int FROM page) AS found
       FROM (SELECT *, sum(size) OVER (ORDER BY place) AS total FROM page) AS r
       WHERE r.place = 1 OR r.total <= ${parameters.add(this.mostListed)} ORDER BY r.place`,
      parameters.values,
    );
    const found = rows[0]?.found ?? 0;
    return { resources: rows.map(toResource), mayGoOn: found >= page.limit || rows.length < found };
  }

  /** Removes a resource, its metrics and what they measured. @throws CatalogueError (no-such-resource) */
  async remove({ tenant, id }: ArchiveResource): Promise<void> {
    const gone = await withTransaction(this.pool, async (client) => {
      await client.query(`SELECT FROM archive_resources WHERE tenant = $1 AND id = $2 FOR UPDATE`, [
        tenant,
        id,
      ]);
      // By id, as whoever takes measures does: what goes with the resource would be locked in any order.
      await client.query(
        `SELECT FROM archive_metrics WHERE tenant = $1 AND resource_id = $2 ORDER BY id FOR UPDATE`,
        [tenant, id],
      );
      const { rowCount } = await client.query(`DELETE FROM archive_resources WHERE tenant = $1 AND id = $2`, [
        tenant,
        id,
      ]);
      return rowCount === 1;
    });
    if (!gone) throw CatalogueError.noSuchResource(id);
  }

  /** A tenant's resource. @throws CatalogueError (no-such-resource) */
  async get(tenant: string, id: string): Promise<ArchiveResource> {
    const { rows } = await this.pool.query<ResourceRow>(`${SELECT} WHERE r.tenant = $1 AND r.id = $2`, [
      tenant,
      id,
    ]);
    if (rows[0] === undefined) throw CatalogueError.noSuchResource(id);
    return toResource(rows[0]);
  }

  private async marked(scope: Scope, marker: string): Promise<ArchiveResource | null> {
    const at = marker.indexOf('@');
    if (at < 0) return this.find(scope, marker);
    if (scope.kind !== 'platform') return null;
    return this.get(marker.slice(at + 1), marker.slice(0, at)).catch((error: unknown) => {
      if (error instanceof CatalogueError) return null;
      throw error;
    });
  }
}

/** What names a resource as the place where the next page begins: for the platform another tenant's has its name. */
export function markerOf({ id, tenant }: ArchiveResource, scope: Scope): string {
  return scope.kind === 'platform' && tenant !== SUPERADMIN_TENANT ? `${id}@${tenant}` : id;
}

async function addNamed(
  client: Pick<Pool, 'query'>,
  { tenant, creator }: Owner,
  resourceId: string,
  { metrics, adopted }: Pick<NewResource, 'metrics' | 'adopted'>,
  nowMs: number,
): Promise<void> {
  await needRoom(client, [{ tenant, resourceId, added: metrics.length + adopted.size }]);
  try {
    await client.query(
      `INSERT INTO archive_metrics (id, tenant, creator, name, unit, archive_policy_name, resource_id, created_ms)
       SELECT n.id, $5, $6, n.name, n.unit, n.policy, $7, $8
         FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS n (id, name, unit, policy)`,
      [
        metrics.map(({ id }) => id),
        metrics.map(({ name }) => name),
        metrics.map(({ unit }) => unit),
        metrics.map(({ policy }) => policy),
        ...[tenant, creator, resourceId, nowMs],
      ],
    );
    for (const [name, id] of adopted) {
      const { rowCount } = await client.query(
        `UPDATE archive_metrics SET resource_id = $4, name = $5 WHERE id = $1 AND tenant = $2 AND creator = $3`,
        [id, tenant, creator, resourceId, name],
      );
      if (rowCount === 0) throw CatalogueError.noSuchMetric(id);
    }
  } catch (error) {
    const constraint = brokenConstraint(error);
    if (constraint === null) throw error;
    const detail = error instanceof Error && 'detail' in error ? String(error.detail) : '';
    if (constraint === 'archive_metrics_by_resource') {
      const names = [...metrics.map(({ name }) => name), ...adopted.keys()];
      throw CatalogueError.metricExists(
        names.find((name) => detail.includes(`, ${name})`)) ?? names[0] ?? '',
      );
    }
    if (constraint === 'archive_metrics_tenant_resource_id_fkey')
      throw CatalogueError.noSuchResource(resourceId);
    const policies = metrics.map(({ policy }) => policy);
    throw CatalogueError.noSuchPolicy(
      policies.find((policy) => detail.includes(`=(${policy})`)) ?? policies[0] ?? '',
    );
  }
}

/** Adds id and tenant, so that every row has a place of its own. */
function withId(sort: readonly SortKey[]): SortKey[] {
  const keys = sort.some(({ key }) => key === 'id') ? sort : [...sort, { key: 'id', descending: false }];
  return [...keys, { key: 'tenant', descending: false }];
}

function sortValues(resource: ArchiveResource): Record<keyof typeof COLUMNS, unknown> {
  return {
    id: resource.id,
    type: resource.type,
    original_resource_id: resource.originalId,
    creator: resource.creator,
    user_id: resource.userId,
    project_id: resource.projectId,
    started_at: resource.startedUs,
    ended_at: resource.endedUs,
    revision_start: resource.revisionStartUs,
    tenant: resource.tenant,
  };
}

function toResource(row: ResourceRow): ArchiveResource {
  return {
    id: row.id,
    tenant: row.tenant,
    type: row.type,
    originalId: row.original_resource_id,
    creator: row.creator,
    userId: row.user_id,
    projectId: row.project_id,
    startedUs: BigInt(row.started_us),
    endedUs: row.ended_us === null ? null : BigInt(row.ended_us),
    revisionStartUs: BigInt(row.revision_start_us),
    metrics: new Map(Object.entries(row.metrics)),
  };
}
