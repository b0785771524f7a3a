import type { Scope } from '@quipu/access';
import type { Pool } from 'pg';
import type { ArchivePolicy } from '../policy/archive-policy.js';
import { brokenConstraint, CatalogueError } from './catalogue-error.js';
import { knownTo, type Owner, Parameters } from './ownership.js';
import { after, invalidPage, orderBy, type Page, type SortKey } from './page.js';
import { POLICY_COLUMNS, type PolicyRow, toPolicy } from './policies.js';
import { growthOf, needRoom } from './room.js';

/** A metric of the archive. */
export interface ArchiveMetric extends Owner {
  /** A UUID. */
  readonly id: string;
  readonly name: string | null;
  readonly unit: string | null;
  readonly resourceId: string | null;
  readonly policy: ArchivePolicy;
}

/** What makes a metric. */
export interface NewMetric extends Owner {
  readonly id: string;
  readonly name: string | null;
  readonly unit: string | null;
  readonly policy: string;
  readonly resourceId: string | null;
}

/** What a list of metrics is limited to: exact values. */
export type MetricFilters = Partial<
  Record<'id' | 'name' | 'unit' | 'archive_policy_name' | 'creator', string>
>;

interface MetricRow extends PolicyRow {
  id: string;
  tenant: string;
  creator: string;
  name: string | null;
  unit: string | null;
  resource_id: string | null;
}

const SELECT = `SELECT m.id, m.tenant, m.creator, m.name, m.unit, m.resource_id, ${POLICY_COLUMNS}
  FROM archive_metrics m JOIN archive_policies p ON p.name = m.archive_policy_name`;

const COLUMNS = {
  id: 'm.id',
  name: 'm.name',
  unit: 'm.unit',
  archive_policy_name: 'm.archive_policy_name',
  creator: 'm.creator',
  resource_id: 'm.resource_id',
};

/** Names that a list of metrics may be sorted by. */
export const METRIC_SORT_KEYS: ReadonlySet<string> = new Set(Object.keys(COLUMNS));

/** The metrics. What a scope's tenant does not own does not exist within it. */
export class ArchiveMetrics {
  constructor(private readonly pool: Pool) {}

  /**
   * Adds metrics, all or none.
   * @throws CatalogueError (no-such-policy, metric-exists, no-such-resource, too-many-metrics)
   */
  async create(metrics: readonly NewMetric[], nowMs: number): Promise<void> {
    await needRoom(this.pool, growthOf(metrics));
    try {
      await this.pool.query(
        `INSERT INTO archive_metrics
           (id, tenant, creator, name, unit, archive_policy_name, resource_id, created_ms)
         SELECT n.*, $8 FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
           $7::uuid[]) AS n ORDER BY 1`,
        [
          metrics.map(({ id }) => id),
          metrics.map(({ tenant }) => tenant),
          metrics.map(({ creator }) => creator),
          metrics.map(({ name }) => name),
          metrics.map(({ unit }) => unit),
          metrics.map(({ policy }) => policy),
          metrics.map(({ resourceId }) => resourceId),
          nowMs,
        ],
      );
    } catch (error) {
      throw refusalOf(error, metrics) ?? error;
    }
  }

  /** The metrics of these ids that exist within the scope, by id. */
  async find(scope: Scope, ids: readonly string[]): Promise<Map<string, ArchiveMetric>> {
    const parameters = new Parameters();
    const { rows } = await this.pool.query<MetricRow>(
      `SELECT * FROM (SELECT DISTINCT asked FROM unnest(${parameters.add(ids)}::uuid[]) AS asked) AS a
         JOIN LATERAL (${SELECT} WHERE m.id = a.asked AND ${knownTo(scope, 'm.tenant', parameters)}) AS f ON true`,
      parameters.values,
    );
    return new Map(rows.map((row) => [row.id, toMetric(row)]));
  }

  /** The metric of this id; null: there is none. */
  async findOne(scope: Scope, id: string): Promise<ArchiveMetric | null> {
    const parameters = new Parameters();
    const text = `${SELECT} WHERE m.id = ${parameters.add(id)} AND ${knownTo(scope, 'm.tenant', parameters)}`;
    // Prepared once a connection: every request about a metric asks this. The text depends on the kind of scope alone.
    const name = `quipu-archive-metric-${scope.kind}`;
    const { rows } = await this.pool.query<MetricRow>({ name, text, values: parameters.values });
    return rows[0] === undefined ? null : toMetric(rows[0]);
  }

  /** The metric of this id. @throws CatalogueError (no-such-metric) */
  async get(scope: Scope, id: string): Promise<ArchiveMetric> {
    const metric = await this.findOne(scope, id);
    if (metric === null) throw CatalogueError.noSuchMetric(id);
    return metric;
  }

  /** The metrics of these names on a tenant's resources: pairs of resource and name. */
  async named(
    tenant: string,
    pairs: readonly { readonly resourceId: string; readonly name: string }[],
  ): Promise<ArchiveMetric[]> {
    const { rows } = await this.pool.query<MetricRow>(
      `SELECT f.* FROM unnest($2::uuid[], $3::text[]) AS a (resource_id, name)
         JOIN LATERAL (${SELECT} WHERE m.tenant = $1 AND m.resource_id = a.resource_id AND m.name = a.name) AS f
           ON true`,
      [tenant, pairs.map(({ resourceId }) => resourceId), pairs.map(({ name }) => name)],
    );
    return rows.map(toMetric);
  }

  /** The metrics of a tenant's resource, by name. */
  async ofResource(tenant: string, resourceId: string): Promise<ArchiveMetric[]> {
    const { rows } = await this.pool.query<MetricRow>(
      `${SELECT} WHERE m.tenant = $1 AND m.resource_id = $2 ORDER BY m.name`,
      [tenant, resourceId],
    );
    return rows.map(toMetric);
  }

  /** A page of the metrics that exist within the scope. @throws CatalogueError (invalid-page) */
  async list(scope: Scope, filters: MetricFilters, page: Page): Promise<ArchiveMetric[]> {
    const sort = withId(page.sort);
    const parameters = new Parameters();
    const conditions = [knownTo(scope, 'm.tenant', parameters)];
    for (const [key, value] of Object.entries(filters)) {
      conditions.push(`${COLUMNS[key as keyof MetricFilters]} = ${parameters.add(value)}`);
    }
    if (page.marker !== undefined) {
      const marker = (await this.find(scope, [page.marker])).get(page.marker);
      if (marker === undefined) throw invalidPage(`Invalid marker: \`${page.marker}'`);
      const { id, name, unit, creator, resourceId, policy } = marker;
      const values = { id, name, unit, creator, resource_id: resourceId, archive_policy_name: policy.name };
      conditions.push(after(sort, COLUMNS, values, parameters));
    }
    const { rows } = await this.pool.query<MetricRow>(
      `${SELECT} WHERE ${conditions.join(' AND ')}
        ORDER BY ${orderBy(sort, COLUMNS)} LIMIT ${parameters.add(page.limit)}`,
      parameters.values,
    );
    return rows.map(toMetric);
  }

  /** Removes a metric and what was measured. @throws CatalogueError (no-such-metric) */
  async remove({ id }: ArchiveMetric): Promise<void> {
    const { rowCount } = await this.pool.query(`DELETE FROM archive_metrics WHERE id = $1`, [id]);
    if (rowCount === 0) throw CatalogueError.noSuchMetric(id);
  }
}

/** Adds the id, so that every row has a place of its own. */
function withId(sort: readonly SortKey[]): SortKey[] {
  const end = sort.findIndex(({ key }) => key === 'id');
  return end >= 0 ? sort.slice(0, end + 1) : [...sort, { key: 'id', descending: false }];
}

function refusalOf(error: unknown, metrics: readonly NewMetric[]): CatalogueError | null {
  const constraint = brokenConstraint(error);
  if (constraint === null) return null;
  const [first] = metrics;
  const detail = error instanceof Error && 'detail' in error ? String(error.detail) : '';
  switch (constraint) {
    case 'archive_metrics_archive_policy_name_fkey': {
      const missing = metrics.find(({ policy }) => detail.includes(`=(${policy})`)) ?? first;
      return CatalogueError.noSuchPolicy(missing?.policy ?? '');
    }
    case 'archive_metrics_by_resource': {
      const taken = metrics.find(
        ({ name }) => detail.includes(`, ${name})=`) || detail.includes(`, ${name}) `),
      );
      return CatalogueError.metricExists((taken ?? first)?.name ?? '');
    }
    case 'archive_metrics_tenant_resource_id_fkey': {
      const gone = metrics.find(({ resourceId }) => resourceId !== null && detail.includes(resourceId));
      return CatalogueError.noSuchResource((gone ?? first)?.resourceId ?? '');
    }
    default:
      return null;
  }
}

function toMetric(row: MetricRow): ArchiveMetric {
  return {
    id: row.id,
    tenant: row.tenant,
    creator: row.creator,
    name: row.name,
    unit: row.unit,
    resourceId: row.resource_id,
    policy: toPolicy(row),
  };
}
